"""What is measured of each step: locks, stalls, rewrites, costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from zero_downtime.project import Project
from zero_downtime.rehearse import Options, RehearsalResult, RevisionResult, as_json, rehearse


def test_a_good_history_is_safe(run: Callable[..., RehearsalResult]) -> None:
    result = run(
        (
            'op.add_column("orders", sa.Column("paid_at", sa.DateTime))',
            'op.drop_column("orders", "paid_at")',
        ),
        (
            "with op.get_context().autocommit_block():\n"
            '    op.execute("CREATE INDEX CONCURRENTLY orders_customer ON orders (customer)")',
            "with op.get_context().autocommit_block():\n"
            '    op.execute("DROP INDEX CONCURRENTLY orders_customer")',
        ),
    )
    assert result.reasons == ()
    assert result.verdict == "safe"
    assert [r.rollback and r.rollback.outcome for r in result.revisions] == ["restores"] * 3
    assert all(r.predicted_equals_observed for r in result.revisions), result
    assert result.tables == {"public.customers": 200, "public.orders": 200}
    add, index = result.revisions[1].upgrade, result.revisions[2].upgrade
    (lock,) = add.steps[0].locks
    assert (lock.relation, lock.mode) == ("public.orders", "ACCESS EXCLUSIVE")
    assert lock.exact
    assert 0 < lock.seconds < 1
    assert add.steps[0].rewrote == ()
    assert add.reads_before.operations > 10
    assert add.writes_before.operations > 10
    (held,) = index.steps[0].locks
    assert (held.relation, held.mode) == ("public.orders", "SHARE UPDATE EXCLUSIVE")
    drop = result.revisions[1].downgrade
    assert [s.locks[0].mode for s in drop.steps] == ["ACCESS EXCLUSIVE"]
    assert result.revisions[1].rollback is not None
    assert result.revisions[1].rollback.rows_checked == 400


def test_a_rewrite_is_seen(last: Callable[..., RevisionResult]) -> None:
    revision = last(
        (
            'op.alter_column("orders", "amount", type_=sa.BigInteger)',
            'op.alter_column("orders", "amount", type_=sa.Integer)',
        ),
        rows=2000,
    )
    (step,) = revision.upgrade.steps
    assert step.rewrote == ("public.orders",)
    assert {(lock.relation, lock.mode) for lock in step.locks} >= {
        ("public.orders", "ACCESS EXCLUSIVE")
    }
    assert step.scanned == ("public.orders",)
    assert step.wal_bytes > 50_000
    assert revision.predicted_equals_observed, step.differences
    assert revision.rollback is not None
    assert revision.rollback.outcome == "restores"


def test_what_rows_decide_is_no_disagreement(last: Callable[..., RevisionResult]) -> None:
    months = (
        'op.execute("CREATE TABLE events (at date NOT NULL, what int) PARTITION BY RANGE (at)")\n'
        "for year in (2025, 2026):\n"
        '    op.execute(f"CREATE TABLE events_{year} PARTITION OF events '
        "FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')\")\n"
        'op.execute("CREATE INDEX events_what ON events (what)")\n'
        "op.execute(\"INSERT INTO events SELECT '2025-5-5', i FROM generate_series(1, 20000) i\")",
        'op.drop_table("events")',
    )
    late = (
        'op.execute("CREATE TABLE late (id int REFERENCES customers "'
        '"DEFERRABLE INITIALLY DEFERRED, since timestamp)")',
        'op.drop_table("late")',
    )
    revision = last(
        months,
        late,
        (
            'op.execute("DELETE FROM customers WHERE id < 0")\n'
            'op.execute("INSERT INTO late SELECT id FROM customers LIMIT 1")\n'
            'op.execute("SET CONSTRAINTS ALL IMMEDIATE")\n'
            'op.execute("ALTER TABLE late ALTER since TYPE timestamptz")\n'
            "op.execute(\"UPDATE events SET what = 1 WHERE at = date '2025-05-04' + 2\")\n"
            "op.execute(\"INSERT INTO events SELECT date '2026-05-04' + 1, 1\")\n"
            'op.execute("UPDATE events SET what = what")\n'
            "with op.get_context().autocommit_block():\n"
            '    op.execute("UPDATE events SET what = what")\n'
            '    op.execute("REINDEX INDEX CONCURRENTLY events_2025_what_idx")\n'
            '    op.execute("ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY")',
            "pass",
        ),
        clients=0,
    )
    assert revision.predicted_equals_observed, revision.warnings
    first, second, *_ = revision.upgrade.steps
    assert first.locks[0].seconds > first.seconds + second.seconds  # until the transaction ends
    *_, within, alone, reindex, detach = revision.upgrade.steps
    assert alone.wal_bytes < 1.5 * within.wal_bytes  # once, though it was tried before
    assert alone.disk_bytes < 1.5 * within.disk_bytes
    assert reindex.disk_bytes > 100_000  # the new index stood beside the old one
    assert {(lock.relation, lock.mode) for lock in detach.locks} == {
        ("public.events", "SHARE UPDATE EXCLUSIVE"),
        ("public.events_2025", "ACCESS EXCLUSIVE"),
    }


def test_a_stall_makes_it_unsafe(last: Callable[..., RevisionResult]) -> None:
    revision = last(
        (
            'op.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")\n'
            'op.execute("SELECT pg_sleep(0.5)")\n'
            'op.add_column("orders", sa.Column("x", sa.Integer))',
            'op.drop_column("orders", "x")',
        ),
        budget="stall=300ms",
    )
    lock, sleep, _ = revision.upgrade.steps
    # How near to the truth these are is tested with clients alone (test_traffic).
    assert sleep.reads.max_ms > 300
    assert sleep.writes.max_ms > 300
    assert lock.locks[0].seconds > 0.3
    said = " ".join(revision.reasons)
    assert re.search(r"readers waited up to [0-9.]+ m?s in the upgrade behind ACCESS", said)
    assert re.search(r"writers waited up to [0-9.]+ m?s in the upgrade behind ACCESS", said)


def test_the_costs_of_each_step_are_measured(run: Callable[..., RehearsalResult]) -> None:
    """On a server of our own, whose log tells waits and temporary files."""
    result = run(
        (
            'op.execute("LOCK TABLE orders IN SHARE MODE")\n'
            'op.execute("SELECT pg_sleep(0.1)")\n'
            'op.execute("UPDATE orders SET memo = memo")\n'
            "op.execute(\"SET LOCAL work_mem = '64kB'\")\n"
            'op.execute("CREATE TABLE sorted AS SELECT g, md5(g::text) AS t "\n'
            '           "FROM generate_series(1, 9000) g ORDER BY t")',
            'op.drop_table("sorted")',
        ),
        start="r1",
        server="embedded",
    )
    lock, sleep, update, _, sort = result.revisions[0].upgrade.steps
    assert result.waits_logged_ms == 10
    waited = next(wait for wait in lock.waits if wait.waiter == "client")
    assert (waited.relation, waited.mode) == ("public.orders", "ROW EXCLUSIVE")
    assert waited.longest > 0.05
    assert sleep.waits == ()  # it was the lock that they waited for
    assert sleep.horizon_seconds > 0.05
    assert (update.dead_rows, update.temp_bytes) == (200, 0)
    assert sort.temp_bytes is not None
    assert sort.temp_bytes > 300_000
    assert sort.disk_bytes > 600_000
    assert sort.horizon_seconds > sleep.horizon_seconds
    shape = json.loads(json.dumps(as_json(result)))["revisions"][0]["upgrade"]["steps"]
    assert shape[0]["waits"][0]["relation"] == "public.orders"
    assert shape[4]["temp_bytes"] == sort.temp_bytes


def test_a_revision_that_begins_transactions_itself(make_project: Callable[..., Project]) -> None:
    """What it holds locked keeps nobody of the rehearsal waiting for good."""
    up = """
    with op.get_context().autocommit_block():
        op.execute("BEGIN")
        op.execute("LOCK TABLE boxes IN ACCESS EXCLUSIVE MODE NOWAIT")
        op.execute("ALTER TABLE boxes ADD COLUMN size int")
        op.execute("COMMIT")
    """
    down = "op.execute('ALTER TABLE boxes DROP COLUMN size')"
    table = "op.execute('CREATE TABLE boxes (id int)')", "op.execute('DROP TABLE boxes')"
    store = make_project(table, (up, down))
    options = Options(start="r0", rows=5, clients=2, crash_points=9)
    result = rehearse(store, options).revisions[0]
    assert result.reasons == ()
    assert result.rollback is not None
    assert result.rollback.outcome == "restores"


def test_the_json_has_the_promised_shape(run: Callable[..., RehearsalResult]) -> None:
    result = run(start="base")
    shape = json.loads(json.dumps(as_json(result)))
    assert shape["version"] == 1
    assert shape["server"].startswith("18.")
    (revision,) = shape["revisions"]
    assert {
        "revision",
        "phase",
        "upgrade",
        "downgrade",
        "rollback",
        "predicted_equals_observed",
    } <= revision.keys()
    step = revision["upgrade"]["steps"][0]
    assert {"sql", "seconds", "locks", "rewrote", "reads", "writes", "wal_bytes"} <= step.keys()
    assert {"p50_ms", "p99_ms", "max_ms"} <= step["reads"].keys()
    assert revision["rollback"]["outcome"] == "restores"
    assert {"catalog_equal", "differences", "rows_checked", "rows_lost", "rows_changed"} <= (
        revision["rollback"].keys()
    )
    assert shape["verdict"] == "safe"
    assert shape["reasons"] == []
