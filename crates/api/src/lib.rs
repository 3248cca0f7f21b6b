//! The wire contract: requests, responses, problems, OpenAPI.
