package eval

import (
	"fmt"
	"runtime/debug"
)

// MaxSteps bounds the work of one evaluation. Loops count each turn with the
// size of their body, operators on lists each element, cat each 64 bytes of text.
// A rule that is not a loop inside a loop stays far below.
const MaxSteps = 250_000

// fault is what ends an evaluation in an error. It does not unwind: operators go
// on with null, and the first fault outranks whatever they come to. The zero
// fault is none.
type fault struct {
	code   ErrorCode
	detail string
}

// fail remembers a fault of the rule.
func (c *Context) fail(detail string) { c.failWith(ParseFailed, detail) }

func (c *Context) failWith(code ErrorCode, detail string) {
	if c.fault.code == NoError {
		c.fault = fault{code: code, detail: detail}
	}
}

// spend counts steps and tells whether the evaluation may go on.
func (c *Context) spend(steps int) bool {
	if c.steps += steps; c.steps <= MaxSteps {
		return true
	}
	c.failWith(General, fmt.Sprintf("the rule needs more than the limit of %d steps with this context", MaxSteps))
	return false
}

// recall tells an evaluation's loops to end, since its result no longer counts.
func (c *Context) recall() bool { return c.fault.code != NoError }

// Panic is what a mistake of ours left behind when it ended one evaluation.
type Panic struct {
	Cause any
	Stack []byte
}

// TakePanic gives the panic that ended an evaluation, of a rule or of an
// override's segment, since it was last asked for, or nil. It is there to be
// counted and reported.
func (c *Context) TakePanic() *Panic {
	p := c.panic
	c.panic = nil
	return p
}

// rescue turns a mistake of ours into the failure of one answer, where it would
// else end the process. No known rule comes here.
func (c *Context) rescue() {
	if cause := recover(); cause != nil {
		c.panic = &Panic{Cause: cause, Stack: debug.Stack()}
		c.failWith(General, "the evaluation met a mistake in the sidecar; please report it with the flag's rule")
	}
}
