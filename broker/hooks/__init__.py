"""The operator's own code at fixed moments of a sign-in, called with events in Cognito's shape (spec A.8, B.9, C.9)."""
