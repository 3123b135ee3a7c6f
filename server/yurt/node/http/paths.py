"""Where the API stands."""

from typing import Final

API_PATH: Final = "/api/v1/"
OPENAPI_PATH: Final = "/api/v1/openapi.json"
