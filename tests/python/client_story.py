"""A console that drives the service by a client generated from its OpenAPI document, under strict types.

    client_story.py http://127.0.0.1:8700          (with the generated package `countersign_client` in PYTHONPATH)

Reads one line of JSON, {"key", "account", "user", "operation", "resource"}. Wherever the user is to type what the phone
shows it prints "code?" and reads the code from the next line. What came of each chapter is printed as one line of JSON.
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
    revoke_grants,
)
from countersign_client.models import (
    Challenge,
    ChallengeAnswer,
    ChallengeAnswerRequest,
    ChallengePurpose,
    ChallengeRequest,
    ChallengeState,
    ChallengeStatus,
    Client,
    Decision,
    FirstFactor,
    IntrospectRequest,
    Introspection,
    Problem,
    ProblemCode,
    RevokeGrantsRequest,
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


def answered(client: AuthenticatedClient, challenge: Challenge) -> str:
    """The grant of a challenge that the user's phone answers."""
    if challenge.decision != Decision.CHALLENGE:
        sys.exit(f"nothing is asked: {challenge}")
    offered = [offer.method for offer in challenge.methods if not offer.alternative]
    body = ChallengeAnswerRequest(method=offered[0], code=code())
    answer = told(ChallengeAnswer, answer_challenge.sync(challenge.id, client=client, body=body))
    return told(str, answer.grant)


def login(client: AuthenticatedClient, account: str, user: str) -> dict[str, object]:
    """After the password: a challenge, a code, a grant; and no second answer."""
    body = ChallengeRequest(
        account=account,
        user=user,
        purpose=ChallengePurpose.LOGIN,
        first_factor=FirstFactor(method="password"),
        client=Client(ip="203.0.113.7", user_agent="a console"),
    )
    challenge = told(Challenge, create_challenge.sync(client=client, body=body))
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


def main() -> None:
    asked: dict[str, str] = json.loads(sys.stdin.readline())
    client = AuthenticatedClient(base_url=sys.argv[1], token=asked["key"], raise_on_unexpected_status=True)
    account, user = asked["account"], asked["user"]
    with client:
        chapters = {
            "login": login(client, account, user),
            "operation": operation(client, account, user, asked["operation"], asked["resource"]),
        }
    for name, chapter in chapters.items():
        print(json.dumps({"chapter": name, **chapter}), flush=True)


main()
