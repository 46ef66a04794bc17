from __future__ import annotations

import threading
import time
from contextlib import nullcontext

import pytest
from app_fakes.parts import frame_of, squares
from pytestqt.qtbot import QtBot

from reticle_agent.actions import Hotkey
from reticle_agent.seams import Approval, ApprovalRequest
from reticle_app.background import Background, MainThread
from reticle_app.runner import Bridge, Hooks, RunEnd, Runner, RunOrder, WindowApprover
from reticle_grounding.errors import Cancelled, ReticleError

REQUEST = ApprovalRequest(Hotkey(("ctrl", "s")), "Press Ctrl+S", frame_of(squares()), None, None, "every step")
ALLOW = Approval(decision="allow", source="user")


def ask_in_thread(approver: WindowApprover) -> tuple[threading.Thread, list[Approval]]:
    answers: list[Approval] = []
    thread = threading.Thread(target=lambda: answers.append(approver.decide(REQUEST)))
    thread.start()
    return thread, answers


def test_no_window_is_a_refusal() -> None:
    approver = WindowApprover(Bridge())
    assert approver.decide(REQUEST) == Approval(decision="deny", source="none")
    assert approver.answer("Which one?") is None


def test_a_window_that_goes_away_while_asked_is_a_refusal() -> None:
    approver = WindowApprover(Bridge())
    approver.attach()
    thread, answers = ask_in_thread(approver)
    time.sleep(0.05)
    approver.detach()
    thread.join(5)
    assert answers == [Approval(decision="deny", source="none")]


def test_silence_is_a_refusal() -> None:
    approver = WindowApprover(Bridge(), timeout_s=0.05)
    approver.attach()
    assert approver.decide(REQUEST).decision == "deny"


def test_an_answer_given_before_the_question_does_not_count() -> None:
    approver = WindowApprover(Bridge(), timeout_s=0.1)
    approver.attach()
    approver.reply(ALLOW)
    assert approver.decide(REQUEST).decision == "deny"


def test_the_first_answer_counts(qtbot: QtBot) -> None:
    bridge = Bridge()
    approver = WindowApprover(bridge)
    approver.attach()
    with qtbot.waitSignal(bridge.asked):
        thread, answers = ask_in_thread(approver)
    approver.reply(Approval(decision="deny", source="user"))
    approver.reply(ALLOW)
    thread.join(5)
    assert answers == [Approval(decision="deny", source="user")]


def announce_in_thread(approver: WindowApprover, seconds: float) -> tuple[threading.Thread, list[Approval]]:
    answers: list[Approval] = []
    thread = threading.Thread(target=lambda: answers.append(approver.announce(REQUEST, seconds)))
    thread.start()
    return thread, answers


def test_what_is_announced_happens_unless_somebody_objects(qtbot: QtBot) -> None:
    bridge = Bridge()
    approver = WindowApprover(bridge)
    assert approver.announce(REQUEST, 0.01).decision == "deny", "no window, nobody could object"
    approver.attach()
    with qtbot.waitSignal(bridge.unasked):
        thread, answers = announce_in_thread(approver, 0.05)
    thread.join(5)
    assert answers == [Approval("allow", "policy")]
    with qtbot.waitSignal(bridge.announced) as caught:
        thread, answers = announce_in_thread(approver, 30)
    assert caught.args == [REQUEST, 30]
    approver.reply(Approval("deny", "user"))
    thread.join(5)
    assert answers == [Approval("deny", "user")]


def test_a_held_countdown_waits_for_a_yes(qtbot: QtBot) -> None:
    bridge = Bridge()
    approver = WindowApprover(bridge, timeout_s=30)
    approver.attach()
    with qtbot.waitSignal(bridge.announced):
        thread, answers = announce_in_thread(approver, 30)
    with qtbot.waitSignal(bridge.asked):
        approver.hold()
    assert answers == []
    approver.reply(ALLOW)
    thread.join(5)
    assert answers == [ALLOW]


def test_a_held_countdown_that_nobody_answers_is_a_refusal(qtbot: QtBot) -> None:
    bridge = Bridge()
    approver = WindowApprover(bridge, timeout_s=0.05)
    approver.attach()
    with qtbot.waitSignal(bridge.announced):
        thread, answers = announce_in_thread(approver, 30)
    approver.hold()
    thread.join(5)
    assert answers[0].decision == "deny"


def run_to_end(qtbot: QtBot, body: object) -> RunEnd:
    runner = Runner(body, nullcontext)  # type: ignore[arg-type]
    with qtbot.waitSignal(runner.bridge.ended) as caught:
        runner.start(RunOrder("task", "confirm"))
    qtbot.waitUntil(lambda: not runner.running)
    return caught.args[0]


def test_every_way_to_fail_ends_the_run_with_words(qtbot: QtBot) -> None:
    def raising(error: Exception):
        def body(order: RunOrder, hooks: Hooks) -> RunEnd:
            raise error

        return body

    assert run_to_end(qtbot, raising(ReticleError("no display"))) == RunEnd("failed", "no display")
    assert run_to_end(qtbot, raising(Cancelled("by hotkey"))) == RunEnd("stopped", "by hotkey")
    assert "ZeroDivisionError" in run_to_end(qtbot, raising(ZeroDivisionError("x"))).message


def test_stop_reaches_the_body_at_once_and_only_one_run_at_a_time(qtbot: QtBot) -> None:
    seen: list[float] = []

    def body(order: RunOrder, hooks: Hooks) -> RunEnd:
        hooks.on_stop(lambda: seen.append(time.monotonic()))
        assert hooks.stopping.wait(5)
        raise Cancelled("stopped by you")

    runner = Runner(body, nullcontext)
    runner.start(RunOrder("task", "auto"))
    with pytest.raises(ReticleError, match="in progress"):
        runner.start(RunOrder("task", "auto"))
    qtbot.wait(50)
    asked = time.monotonic()
    with qtbot.waitSignal(runner.bridge.ended):
        runner.stop()
    assert seen[0] - asked < 0.2
    qtbot.waitUntil(lambda: not runner.running)


def test_calls_onto_the_window_thread(qtbot: QtBot) -> None:
    main, names = MainThread(), []
    background = Background(main, "work")
    background.submit(
        lambda: main.call(lambda: threading.current_thread().name),
        names.append,
        lambda error: names.append(str(error)),
    )
    qtbot.waitUntil(lambda: len(names) == 1)
    assert names == [threading.main_thread().name]
    background.submit(lambda: 1 // 0, names.append, lambda error: names.append(str(error)))
    qtbot.waitUntil(lambda: len(names) == 2)
    assert "ZeroDivisionError" in names[1]
    main.close()
    with pytest.raises(Cancelled):
        _in_thread(lambda: main.call(lambda: None))
    background.close()


def _in_thread(work) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    raise caught[0]
