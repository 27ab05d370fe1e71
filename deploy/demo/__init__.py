"""The main job as a story told over HTTP and queues: `python -m deploy.demo`. Journeys and fault tests use it too."""
