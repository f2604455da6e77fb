package eval

// Reason says how an answer came about.
type Reason uint8

// The reasons of OFREP. An answer with an error has the reason Failed, which
// does not appear in its JSON.
const (
	Static Reason = iota
	TargetingMatch
	Default
	Disabled
	Failed
)

var reasonNames = [...]string{"STATIC", "TARGETING_MATCH", "DEFAULT", "DISABLED", "ERROR"}

func (r Reason) String() string { return reasonNames[r] }

// ErrorCode says why there is no answer. The zero code is none.
type ErrorCode uint8

// The error codes of OFREP.
const (
	NoError ErrorCode = iota
	FlagNotFound
	ParseFailed
	General
	InvalidContext
	TargetingKeyMissing
)

var errorNames = [...]string{
	"", "FLAG_NOT_FOUND", "PARSE_ERROR", "GENERAL", "INVALID_CONTEXT", "TARGETING_KEY_MISSING",
}

func (c ErrorCode) String() string { return errorNames[c] }
