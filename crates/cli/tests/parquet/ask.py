"""Queries as a JSON list on standard input; the rows of each on standard output, the names of the columns first."""

import json
import sys

import duckdb


def ask(query):
    answer = duckdb.execute(query)
    return [[column[0] for column in answer.description], *answer.fetchall()]


print(json.dumps([ask(query) for query in json.load(sys.stdin)], default=str))
