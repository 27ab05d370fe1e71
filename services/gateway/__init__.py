"""The gateway: HTTP for portal, app, officers and payment callbacks. One asyncio program, no database."""
