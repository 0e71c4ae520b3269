"""Background jobs."""

import threading

import pytest

from labelling.tasks import jobs as module
from labelling.tasks.jobs import Job, Jobs


def test_a_job_gives_its_result_and_its_progress() -> None:
    def work(job: Job) -> int:
        job.progress(1, 4)
        job.news.append("half")
        job.progress(2, 4)
        return 42

    jobs = Jobs()
    job = jobs.start("tune", "p", title="Tuning", work=work)
    job.join()
    assert jobs.get("tune", "p") is job
    assert jobs.get("tune", "q") is None
    assert (job.title, job.result, job.error) == ("Tuning", 42, None)
    assert (job.done, job.total, job.news) == (2, 4, ["half"])


def test_each_part_of_the_work_has_a_progress_of_its_own() -> None:
    job = Job("Embedding", lambda job: None)
    job.progress(0, 4)
    job.progress(4, 4)
    job.begin("Training")
    assert (job.title, job.doing, job.done, job.total, job.rate) == ("Training", "getting ready", 0, 0, None)
    job.begin("Neighbour graph", "compiling")
    assert job.doing == "compiling"
    job.begin("Clear map")
    assert job.doing == "getting ready"


def test_a_failing_job_keeps_its_error() -> None:
    def work(job: Job) -> None:
        raise ValueError("two labels are needed")

    job = Jobs().start("a", title="", work=work)
    job.join()
    assert str(job.error) == "two labels are needed"
    assert job.result is None


def test_who_asks_for_work_under_way_gets_that() -> None:
    jobs, go = Jobs(), threading.Event()
    n_started = []

    def work(job: Job) -> bool:
        n_started.append(1)
        return go.wait(30)

    first = jobs.start("a", title="", work=work)
    others: list[Job] = []
    threads = [threading.Thread(target=lambda: others.append(jobs.start("a", title="", work=work))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(job is first for job in others)
    second = jobs.start("b", title="", work=work)
    assert second is not first
    go.set()
    first.join()
    second.join()
    assert len(n_started) == 2
    again = jobs.start("a", title="", work=work)
    again.join()
    assert again is not first, "ended work is done anew"


def test_stop_reaches_the_work() -> None:
    job = Jobs().start("a", title="", work=lambda job: job.stop.wait(30))
    job.stop.set()
    job.join()
    assert job.result is True


def test_forget_drops_what_has_ended_only() -> None:
    jobs = Jobs()
    job = jobs.start("a", title="", work=lambda job: job.stop.wait(30))
    jobs.forget("a")
    assert jobs.get("a") is job, "or a second one would run beside it"
    job.stop.set()
    job.join()
    jobs.forget("a")
    assert jobs.get("a") is None
    jobs.forget("a")


def test_rate_counts_from_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    job = Job("Embedding", lambda job: None)
    assert job.rate is None
    assert job.seconds_left is None
    job.progress(500, 1000)  # from the cache
    assert job.rate is None
    now[0] += 10
    job.progress(600, 1000)
    assert job.rate == 10
    assert job.seconds_left == 40
    job.progress(1000, 1000)
    assert job.seconds_left == 0


def test_all_done_at_the_first_report_has_no_rate() -> None:
    job = Job("Embedding", lambda job: None)
    job.progress(1000, 1000)
    assert job.rate is None
    assert job.seconds_left is None


def test_of_the_ended_ones_of_a_kind_the_last_are_kept() -> None:
    jobs, gate = Jobs(), threading.Event()
    running = jobs.start("fit", 0, title="fit", work=lambda job: gate.wait(10))
    for number in (1, 2, 3):
        jobs.start("fit", number, title="fit", work=lambda job: None).join()
    jobs.start("embed", 1, title="embed", work=lambda job: None).join()
    jobs.forget_all_but("fit", 2)
    assert [number for number in range(4) if jobs.get("fit", number)] == [0, 2, 3]
    assert jobs.get("embed", 1)
    gate.set()
    running.join()
