"""The HTTP baselines: a bare Starlette application behind the gateway's HTTP server. A program.

python -m bench.journey.hello PORT DIRECTORY: GET / says hello; POST / writes the body to a synced file, then says 201.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def main(port: int, directory: Path) -> None:
    async def hello(_: Request) -> Response:
        return JSONResponse({"hello": "xin chào"})

    async def keep(request: Request) -> Response:
        path = directory / uuid.uuid4().hex
        with open(path, "wb") as file:
            async for piece in request.stream():
                file.write(piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        return JSONResponse({"file": path.name}, 201)

    app = Starlette(routes=[Route("/", hello), Route("/", keep, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
