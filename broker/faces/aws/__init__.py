"""The wire of AWS: `cognito-identity` in JSON 1.1, `sts` and `iam` in the query protocol, all at `POST /` (spec part E)."""
