//! No body makes a reader panic, and a refusal stays short whatever was sent.

use api::*;

/// One input of the fuzzer, or of a property test.
pub fn run(data: &[u8]) {
    let refusals = [
        read_json::<VerifyRequest>(data).err(),
        read_json::<VerifyBatchRequest>(data).err(),
        read_json::<EnrollmentRequest>(data).err(),
        read_json::<ConfirmRequest>(data).err(),
        read_json::<UnbindRequest>(data).err(),
        read_json::<ResyncRequest>(data).err(),
        read_json::<UnlockRequest>(data).err(),
        read_json::<DiagnoseRequest>(data).err(),
        read_json::<RecoveryCodesRequest>(data).err(),
        read_json::<SessionRequest>(data).err(),
        read_json::<SessionCheckRequest>(data).err(),
        read_json::<EndSessionsRequest>(data).err(),
        read_json::<TokenChangeRequest>(data).err(),
        read_json::<ImportRequest>(data).err(),
        read_json::<FindByCodeRequest>(data).err(),
        read_json::<AdministratorsRequest>(data).err(),
        read_json::<HandoverRequest>(data).err(),
        read_json::<BatchRequest>(data).err(),
        read_json::<BatchChangeRequest>(data).err(),
        read_json::<ChallengeAnswerRequest>(data).err(),
        read_json::<MethodRequest>(data).err(),
        read_json::<RequirementsRequest>(data).err(),
        read_json::<WebhookRequest>(data).err(),
        read_json::<RotateWebhookRequest>(data).err(),
        read_json::<ApprovalRequest>(data).err(),
        read_json::<PageLinkRequest>(data).err(),
        read_json::<PromptLinkRequest>(data).err(),
        read_json::<PromptExchangeRequest>(data).err(),
        read_json::<PasscodeRequest>(data).err(),
        read_json::<UnbindRequestOpening>(data).err(),
        read_json::<UnbindRequestCompletion>(data).err(),
        read_json::<UnbindApplicationRequest>(data).err(),
        read_json::<UnbindRequestVouching>(data).err(),
    ];
    for problem in refusals.iter().flatten() {
        assert!(problem.detail.len() < 500, "{}", problem.detail);
    }
}
