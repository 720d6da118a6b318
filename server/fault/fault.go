// Package fault gives an error a kind that a caller can act on and a text that a person can read.
//
// A fault.Error is the only error whose text may leave the process: each edge maps its Kind to the
// status code of its own protocol. Every other error is an internal one, logged where it ends and
// shown outside as "internal error".
package fault

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about an error.
type Kind uint8

// The kinds of faults. The zero value is Internal, so that an error without a kind never looks harmless.
const (
	// Internal is a failure of ours; the caller can only report it.
	Internal Kind = iota
	// Invalid is input that can never succeed as it is.
	Invalid
	// NotFound is a name that does not exist.
	NotFound
	// Conflict is a condition on the present state that did not hold, as of a compare-and-set.
	Conflict
	// Denied is an actor without the right.
	Denied
	// Limited is a quota, a size limit or a full queue; the text names the limit and what was asked.
	Limited
	// Unavailable is a state that passes, as of no leader or no disk; the caller may retry.
	Unavailable
)

var kindNames = [...]string{"internal", "invalid", "notFound", "conflict", "denied", "limited", "unavailable"}

// String returns the kind's name as it stands in logs and in the API of our own.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is an error with a kind, a text for people, and, where the protocol has one, a code of its own.
type Error struct {
	Kind Kind
	// Text is one sentence that says what is wrong and, where it can, what would be right.
	Text string
	// Code tells apart faults of one kind where Nacos' protocol has a number for them; empty for most.
	Code Code
	err  error
}

// Code names a fault that Nacos' error table (protocol notes, http.md §3.3) gives a number of its own.
type Code string

// New makes a fault; format and args are its text.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault of err, which stays reachable by errors.Is and errors.As; the text shown is format's alone.
func Wrap(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), err: err}
}

// WithCode returns a copy of e that carries code.
func (e *Error) WithCode(code Code) *Error {
	c := *e
	c.Code = code
	return &c
}

// Error returns the text and, for logs, the cause.
func (e *Error) Error() string {
	if e.err != nil {
		return e.Text + ": " + e.err.Error()
	}
	return e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the kind of the first fault in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// CodeOf returns the code of the first fault in err's chain, "" when there is none.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// TextOf returns what a person outside may read of err: a fault's text, else "internal error".
func TextOf(err error) string {
	var f *Error
	if errors.As(err, &f) {
		return f.Text
	}
	return "internal error"
}
