"""Queries of the ORM whose text is made once: the few that run for every file.

Making the text takes the ORM longer than all else about a row: 0.5 to 0.8 ms of processor time where the
answer takes 0.1 ms. The query is written as everywhere; only its values change from one time to the next.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.transaction import TransactionManagementError

from huleedu.postgres.prepared import prepared_cursor

Row = TypeVar("Row", bound=Model)
Sample = UUID | str | int
ONE, ANOTHER = UUID(int=1), UUID(int=2)  # samples of ids
NUMBER = 2_000_000_011  # and of numbers, which every column of numbers can hold


class Kept(Generic[Row]):
    """``make`` gives the query for ``samples``, which are unlike all other values in it.

    Raises ``ValueError``, when it is first asked, where a sample is not to be found in what it made.
    """

    def __init__(self, make: Callable[..., QuerySet[Row]], *samples: Sample) -> None:
        self._make = make
        self._samples = samples
        self._compiler: Any = None
        self._text = ""
        self._parameters: tuple[Any, ...] = ()

    def first(self, *values: Sample) -> Row | None:
        """The first row for ``values``, with what the query selects beside it; None when there is none.

        Raises ``TransactionManagementError`` for a query that locks, outside a transaction.
        """
        if self._compiler is None:
            self._compile()
        if self._compiler.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError
        with prepared_cursor() as cursor:
            cursor.execute(self._text, self._with(values))
            row = cursor.fetchone()
        return next(iter(self._instances([row])), None) if row else None

    def get(self, *values: Sample) -> Row:
        """As ``first``. Raises ``ObjectDoesNotExist`` when there is none."""
        row = self.first(*values)
        if row is None:
            raise ObjectDoesNotExist
        return row

    def _compile(self) -> None:
        query = self._make(*self._samples).query
        compiler = query.get_compiler(connection=connection)
        self._text, self._parameters = compiler.as_sql()
        for sample in self._samples:
            if sample not in self._parameters:
                raise ValueError(f"The query does not ask for {sample!r}.")
        self._compiler = compiler

    def _with(self, values: Sequence[Sample]) -> list[Any]:
        given = dict(zip(self._samples, values, strict=True))
        return [given.get(value, value) for value in self._parameters]

    def _instances(self, rows: Sequence[Sequence[Any]]) -> Iterator[Row]:
        answered: Any = Answered(self._compiler, rows)
        instances: Any = ModelIterable(answered)
        return iter(instances)


class Answered:
    """Rows that are there, where ``ModelIterable`` looks for a queryset, its query and its compiler."""

    def __init__(self, compiler: Any, rows: Sequence[Sequence[Any]]) -> None:
        self.db = connection.alias
        self.query = self
        self.select = compiler.select
        self.klass_info = compiler.klass_info
        self.annotation_col_map = compiler.annotation_col_map
        self._known_related_objects: dict[Any, Any] = {}
        self._compiler = compiler
        self._rows = rows

    def get_compiler(self, using: str) -> "Answered":
        """Itself."""
        return self

    def execute_sql(self, **_: Any) -> Sequence[Sequence[Any]]:
        """The rows, as a compiler fetches them."""
        return [self._rows]

    def results_iter(self, results: Sequence[Sequence[Any]]) -> Any:
        """Their values, as Python has them."""
        return self._compiler.results_iter(results)
