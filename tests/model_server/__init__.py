"""A local server that speaks OpenAI's and Anthropic's wire formats over real sockets, scripted by each test."""

from tests.model_server.server import ModelServer, model_server
from tests.model_server.wire import Reply, completion, error, step

__all__ = ["ModelServer", "Reply", "completion", "error", "model_server", "step"]
