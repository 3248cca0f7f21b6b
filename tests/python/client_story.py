"""A console that drives the service by a client generated from its OpenAPI document, under strict types.

    client_story.py http://127.0.0.1:8700          (with the generated package `countersign_client` in PYTHONPATH)

Reads one line of JSON, {"key", "enroll_key", "account", "user", "operation", "resource"}: the login's and the operation's key,
and the one of the page for security settings. Wherever the user is to type what the phone shows it prints "code?" and reads
the code from the next line. What came of each chapter is printed as one line of JSON.
"""

import json
import sys
from typing import TypeVar

from countersign_client import AuthenticatedClient
from countersign_client.api.protection import (
    answer_challenge,
    create_challenge,
    get_challenge,
    introspect_grant,
    list_trusted_devices,
    revoke_grants,
)
from countersign_client.api.sessions import check_session, create_session, end_all_sessions
from countersign_client.models import (
    Actor,
    ActorKind,
    Challenge,
    ChallengeAnswer,
    ChallengeAnswerRequest,
    ChallengePurpose,
    ChallengeRequest,
    ChallengeState,
    ChallengeStatus,
    Client,
    CodeFactor,
    Decision,
    EndedSessions,
    EndSessionsRequest,
    FirstFactor,
    IntrospectRequest,
    Introspection,
    Problem,
    ProblemCode,
    RevokeGrantsRequest,
    SessionCheck,
    SessionCheckRequest,
    SessionRequest,
    StartedSession,
    TrustedDevices,
)

Answer = TypeVar("Answer")


def told(kind: type[Answer], answer: object) -> Answer:
    """The answer, if it is what the document promises for success."""
    if isinstance(answer, kind):
        return answer
    sys.exit(f"no {kind.__name__}: {answer}")


def code() -> str:
    print("code?", flush=True)
    return sys.stdin.readline().strip()


def answer(client: AuthenticatedClient, challenge: Challenge, trust_device: bool = False) -> ChallengeAnswer:
    """What came of a challenge that the user's phone answers."""
    if challenge.decision != Decision.CHALLENGE:
        sys.exit(f"nothing is asked: {challenge}")
    offered = [offer.method for offer in challenge.methods if not offer.alternative]
    body = ChallengeAnswerRequest(method=offered[0], code=code(), trust_device=trust_device)
    return told(ChallengeAnswer, answer_challenge.sync(challenge.id, client=client, body=body))


def answered(client: AuthenticatedClient, challenge: Challenge) -> str:
    """The grant of a challenge that the user's phone answers."""
    return told(str, answer(client, challenge).grant)


BROWSER = Client(ip="203.0.113.7", user_agent="a console")


def after_the_password(
    client: AuthenticatedClient, account: str, user: str, trusted_device: str | None = None
) -> Challenge:
    """What is decided of a login, in a browser that may have a token."""
    body = ChallengeRequest(
        account=account,
        user=user,
        purpose=ChallengePurpose.LOGIN,
        first_factor=FirstFactor(method="password"),
        client=BROWSER,
        trusted_device=trusted_device,
    )
    return told(Challenge, create_challenge.sync(client=client, body=body))


def login(client: AuthenticatedClient, account: str, user: str) -> dict[str, object]:
    """After the password: a challenge, a code, a grant; and no second answer."""
    challenge = after_the_password(client, account, user)
    state = told(ChallengeStatus, get_challenge.sync(challenge.id, client=client)).state
    if state != ChallengeState.OPEN:
        sys.exit(f"it is {state}")
    grant = answered(client, challenge)
    late = ChallengeAnswerRequest(method="totp", code="000000")
    problem = told(Problem, answer_challenge.sync(challenge.id, client=client, body=late))
    return {
        "ground": challenge.ground,
        "grant": grant,
        "answered_twice": problem.code == ProblemCode.CHALLENGE_ENDED,
    }


def operation(
    client: AuthenticatedClient, account: str, user: str, name: str, resource: str
) -> dict[str, object]:
    """A sensitive operation is checked once, goes on by its pass, and is checked again when that is revoked."""
    body = ChallengeRequest(
        account=account,
        user=user,
        purpose=ChallengePurpose.OPERATION,
        session_id="console-1",
        operation=name,
        resource=resource,
    )
    grant = answered(client, told(Challenge, create_challenge.sync(client=client, body=body)))
    again = told(Challenge, create_challenge.sync(client=client, body=body))
    question = IntrospectRequest(grant=grant, session_id="console-1", operation=name, resource=resource)
    active = told(Introspection, introspect_grant.sync(client=client, body=question))
    revoked = revoke_grants.sync_detailed(client=client, body=RevokeGrantsRequest(grant=grant))
    ended = told(Introspection, introspect_grant.sync(client=client, body=question))
    after = told(Challenge, create_challenge.sync(client=client, body=body))
    return {
        "grant": grant,
        "again": again.ground,
        "active": active.active,
        "amr": active.amr,
        "revoked": revoked.status_code,
        "ended": not ended.active,
        "after": after.decision.value,
    }


def trust(client: AuthenticatedClient, account: str, user: str) -> tuple[dict[str, object], str, str]:
    """A browser that is trusted is not asked again, and has another token; the newest, and the grant that it got."""
    checked = answer(client, after_the_password(client, account, user), trust_device=True)
    first = told(str, checked.trusted_device)
    allowed = after_the_password(client, account, user, first)
    second = told(str, allowed.trusted_device)
    without = after_the_password(client, account, user)
    chapter: dict[str, object] = {
        "checked": checked.decision.value,
        "again": [allowed.decision.value, allowed.ground],
        "rotated": first != second,
        "another_browser": without.decision.value,
    }
    return chapter, second, told(str, allowed.grant)


def begin(client: AuthenticatedClient, account: str, user: str, grant: str) -> StartedSession | Problem:
    """A session by a login's grant, or why there is none."""
    actor = Actor(id="login", kind=ActorKind.SERVICE)
    body = SessionRequest(actor=actor, client=BROWSER, grant=grant)
    begun = create_session.sync(account, user, client=client, body=body)
    return begun if isinstance(begun, StartedSession) else told(Problem, begun)


def check(client: AuthenticatedClient, token: str) -> SessionCheck:
    return told(SessionCheck, check_session.sync(client=client, body=SessionCheckRequest(token=token)))


def session(
    client: AuthenticatedClient, account: str, user: str, grant: str
) -> tuple[dict[str, object], StartedSession]:
    """A grant begins one session, which goes on."""
    begun = told(StartedSession, begin(client, account, user, grant))
    checked = check(client, begun.token)
    chapter: dict[str, object] = {
        "active": checked.active,
        "same": checked.session_id == begun.id,
        "whose": [checked.account, checked.user],
        "grant_again": told(Problem, begin(client, account, user, grant)).code.value,
        "made_up": told(str, check(client, "css_" + begun.token[:3:-1]).cause),
    }
    return chapter, begun


def sign_out(
    client: AuthenticatedClient, page: AuthenticatedClient, account: str, user: str, trusted: str, begun: StartedSession
) -> dict[str, object]:
    """Signing out everywhere takes a code, and ends the session, the trust, and the grants of before."""
    before = after_the_password(client, account, user, trusted)
    kept, newest = told(str, before.grant), told(str, before.trusted_device)
    actor = Actor(id=user, kind=ActorKind.USER)
    without = end_all_sessions.sync(account, user, client=page, body=EndSessionsRequest(actor=actor))
    body = EndSessionsRequest(actor=actor, factor=CodeFactor(code=code()))
    ended = told(EndedSessions, end_all_sessions.sync(account, user, client=page, body=body))
    checked = check(client, begun.token)
    return {
        "without_a_code": told(Problem, without).code.value,
        "ended": ended.ended,
        "active": checked.active,
        "cause": told(str, checked.cause),
        "grant_of_before": told(Problem, begin(client, account, user, kept)).code.value,
        "next_login": after_the_password(client, account, user, newest).decision.value,
        "trusted": len(told(TrustedDevices, list_trusted_devices.sync(account, user, client=page)).items),
    }


def main() -> None:
    asked: dict[str, str] = json.loads(sys.stdin.readline())
    client, page = (
        AuthenticatedClient(base_url=sys.argv[1], token=asked[key], raise_on_unexpected_status=True)
        for key in ("key", "enroll_key")
    )
    account, user = asked["account"], asked["user"]
    with client, page:
        chapters = {
            "login": login(client, account, user),
            "operation": operation(client, account, user, asked["operation"], asked["resource"]),
        }
        chapters["trust"], trusted, grant = trust(client, account, user)
        chapters["session"], begun = session(client, account, user, grant)
        chapters["sign_out"] = sign_out(client, page, account, user, trusted, begun)
    for name, chapter in chapters.items():
        print(json.dumps({"chapter": name, **chapter}), flush=True)


main()
