"""The published schema that every request is held to: Shopify's own file where it is, else the subset in fixtures/."""

from __future__ import annotations

import functools
import gzip
import json
import logging
import os
from pathlib import Path

from graphql import GraphQLError, GraphQLSchema, build_client_schema, build_schema, parse, validate
from graphql.language import DocumentNode

ROOT = Path(__file__).resolve().parents[3]
SUBSET = ROOT / "fixtures" / "shopify" / "schema_subset.graphql"
KEPT_DOCUMENTS = 256
log = logging.getLogger("sandbox.shopify")


def published_file() -> Path:
    """Return where the published introspection lies: `YIKU_SHARED`, else `../shared` beside the repository."""
    shared = Path(os.environ.get("YIKU_SHARED") or ROOT.parent / "shared")
    return shared / "platforms" / "shopify" / "admin_2026-10.json.gz"


@functools.cache
def published() -> GraphQLSchema | None:
    """Return the whole published schema, or None where the file is not there. Takes half a second, once a process."""
    path = published_file()
    if not path.is_file():
        return None
    with gzip.open(path) as packed:
        # Six fields are deprecated in the implementing type only, which the validator takes for an error.
        return build_client_schema(json.load(packed)["data"], assume_valid=True)


@functools.cache
def subset() -> GraphQLSchema:
    """Return the subset that comes with the code."""
    return build_schema(SUBSET.read_text(encoding="utf-8"), assume_valid=True)


@functools.cache
def best_schema() -> GraphQLSchema:
    """Return the published schema, else, said loudly, the subset."""
    whole = published()
    if whole is None:
        log.warning("Shopify's schema is not at %s: requests are held to the subset in fixtures/.", published_file())
    return whole or subset()


class Documents:
    """Parsed and validated documents, kept by their text: validating takes longer than answering."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._checked = functools.lru_cache(maxsize=KEPT_DOCUMENTS)(self._check)

    def checked(self, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
        """Return the document and its errors against the schema."""
        return self._checked(text)

    def _check(self, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
        try:
            document = parse(text)
        except GraphQLError as error:
            return None, [error]
        return document, validate(self.schema, document)
