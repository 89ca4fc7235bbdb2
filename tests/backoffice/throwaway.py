"""Tables of models which exist only in a test, made inside the test's transaction."""

from django.db import connection


def create_table(model):
    """Make the model's table and its indexes."""
    editor = connection.schema_editor()
    editor.deferred_sql = []  # entering the editor is refused inside a transaction on SQLite
    sql, params = editor.table_sql(model)
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        for statement in editor._model_indexes_sql(model):
            cursor.execute(str(statement))
