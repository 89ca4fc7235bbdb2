"""Every document we send is held to Shopify's published schema, variables included."""

import pytest
from graphql import build_schema, get_operation_ast, get_variable_values, parse, validate

from channels.connectors.shopify.documents import DOCUMENTS, operation_name
from channels.sandbox.shopify.schema import SUBSET, subset
from fixtures.shopify.make_subset import make
from tests.channels.shopify.conftest import Recorder, connect, published_introspection
from tests.channels.shopify.everything import do_everything


def test_there_are_so_many_documents_with_names_of_their_own():
    assert len({operation_name(text) for text in DOCUMENTS.values()}) == len(DOCUMENTS) == 22


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_document_is_valid_in_the_subset(name):
    assert validate(subset(), parse(DOCUMENTS[name])) == []


@pytest.mark.published
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_document_is_valid_in_the_published_schema(name, published_schema):
    assert validate(published_schema, parse(DOCUMENTS[name])) == []


def test_a_misspelt_field_is_found_by_the_subset():
    document = DOCUMENTS["SHOP"].replace("currencyCode", "currencyKode")
    assert "currencyKode" in validate(subset(), parse(document))[0].message


@pytest.fixture
def sent(shop, url):
    """All requests of a connector that does everything it can."""
    recorder = Recorder()
    do_everything(shop, connect(url, http=recorder, order_page_size=2))
    return recorder.sent


def test_everything_a_connector_can_do_uses_every_document(sent):
    assert {body["operationName"] for body in sent} == {operation_name(text) for text in DOCUMENTS.values()}


def test_all_variables_sent_fit_the_declared_types_of_the_subset(sent):
    assert _misfits(subset(), sent) == []


@pytest.mark.published
def test_all_variables_sent_fit_the_declared_types_of_the_published_schema(sent, published_schema):
    assert _misfits(published_schema, sent) == []


def _misfits(schema, sent):
    wrong = []
    for body in sent:
        operation = get_operation_ast(parse(body["query"]), body["operationName"])
        declared = operation.variable_definitions or ()
        values = get_variable_values(schema, declared, body["variables"])
        if isinstance(values, list):
            wrong += [error.message for error in values]
        if undeclared := body["variables"].keys() - {node.variable.name.value for node in declared}:
            wrong.append(f"{body['operationName']}: {undeclared}")
    return wrong


@pytest.mark.published
def test_the_subset_in_the_repository_is_the_one_made_from_the_published_schema():
    assert make(published_introspection()) == SUBSET.read_text(encoding="utf-8")


@pytest.mark.published
def test_every_type_of_the_subset_stands_so_in_the_published_schema(published_schema):
    small = build_schema(SUBSET.read_text(encoding="utf-8"), assume_valid=True)
    for name, type_ in small.type_map.items():
        whole = published_schema.type_map[name]
        assert type(type_) is type(whole), name
        for field, definition in getattr(type_, "fields", {}).items():
            assert str(definition.type) == str(whole.fields[field].type), f"{name}.{field}"
        assert getattr(type_, "values", {}).keys() == getattr(whole, "values", {}).keys()
