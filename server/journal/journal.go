// Package journal turns wishes to change durable state into one order of decided commands.
//
// Everything that must not be lost is a Command. Submit returns when it is durable and applied on
// this node. While one group of commands is on its way, those that arrive gather and go next as one:
// a raft entry when storage is embedded, a transaction on MySQL.
package journal

import "context"

// Kind names a command; each domain owns a range of kinds, so that a machine can pass them on.
type Kind uint16

// The ranges of kinds, by the first of each.
const (
	KindConfig    Kind = 100
	KindNamespace Kind = 200
	KindNaming    Kind = 300
	KindAuth      Kind = 400
	KindDraft     Kind = 500
)

// Command is one wish: its kind and its protobuf body. Whoever submits it has chosen time, ids and
// digests, so that deciding it needs neither clock nor chance.
type Command struct {
	Kind Kind
	Body []byte
}

// Result is what became of one command.
type Result struct {
	// Index is the journal position of the group it was part of: a raft index, or on MySQL the revision after it.
	Index uint64
	// Outcome is what its domain's Decide answered, a compare-and-set that did not hold included.
	Outcome Outcome
}

// Outcome is a domain's answer to a command. Err is a *fault.Error when the command was refused: a
// decision, made alike on every node, not a failure to decide.
type Outcome interface {
	Err() error
}

// Change is what one row of durable state becomes. Each domain has its own; store knows them all.
type Change interface {
	// Table says which kind of row changes, for metrics and messages.
	Table() string
}

// Journal makes commands durable.
type Journal interface {
	// Submit returns when cmd is durable and applied on this node, with what was decided. An error
	// means that nothing is known of it, it may yet take effect: fault.Unavailable when there is no
	// leader or the deadline passed, fault.Limited when the queue is full (then it has no effect).
	Submit(ctx context.Context, cmd Command) (Result, error)
}

// Applier holds state in memory and decides commands on it. It is deterministic: the same commands
// at the same indexes lead to the same state, results and changes on every node. Calls are serial.
//
// It has no snapshot of its own: a snapshot is a copy of the image that store writes behind it,
// which holds what memory does not (history), and from which memory is loaded at start.
type Applier interface {
	// Apply decides and applies the commands of one group in order, the answers and changes in the same order.
	// An error means that a command can't be decoded: the node must stop, as it no longer knows the state.
	Apply(index uint64, group []Command) ([]Result, []Change, error)
}
