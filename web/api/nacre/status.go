package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
)

// Node is the state of a node as its parts tell it.
type Node struct {
	Name      string  `json:"name"`
	Role      string  `json:"role" doc:"standalone, leader or follower"`
	Storage   string  `json:"storage" doc:"embedded or mysql"`
	StartedMs int64   `json:"startedMs"`
	Journal   Journal `json:"journal"`
}

// Journal tells how far the journal is and what it did since the start.
type Journal struct {
	AppliedIndex uint64 `json:"appliedIndex" doc:"the last entry that took effect"`
	WrittenIndex uint64 `json:"writtenIndex" doc:"the last entry that lists and searches see"`
	Groups       uint64 `json:"groups" doc:"entries written, each a group of commands"`
	Commands     uint64 `json:"commands"`
	Syncs        uint64 `json:"syncs" doc:"writes of the log that were made durable"`
}

type statusIn struct{}

type statusAnswer struct {
	Version  string `json:"version"`
	Ready    bool   `json:"ready"`
	Reason   string `json:"reason" doc:"why it is not ready, else empty"`
	NowMs    int64  `json:"nowMs"`
	Revision uint64 `json:"revision" doc:"of the last change"`
	Node     Node   `json:"node"`
	Counts   counts `json:"counts"`
	Writes   writes `json:"writes"`
}

type counts struct {
	Configs        int64 `json:"configs"`
	Grays          int64 `json:"grays"`
	ContentBytes   int64 `json:"contentBytes"`
	Namespaces     int   `json:"namespaces" doc:"the default one included"`
	WaitingClients int64 `json:"waitingClients" doc:"that poll and are told of changes"`
	WaitingKeys    int64 `json:"waitingKeys"`
}

type writes struct {
	Published uint64 `json:"published" doc:"since the start"`
	Removed   uint64 `json:"removed"`
	Refused   uint64 `json:"refused"`
	Failed    uint64 `json:"failed" doc:"of which it is not known whether they took effect"`
}

func (a *api) status(_ *fiber.Ctx, _ *statusIn) (*statusAnswer, error) {
	st, w := a.Configs.Stats(), a.Configs.WriteStats()
	clients, keys := a.Delivery.Waiting()
	reason := ""
	if err := a.Ready(); err != nil {
		reason = fault.TextOf(err)
	}
	return &statusAnswer{
		Ready: reason == "", Reason: reason,
		Version: a.Version, NowMs: a.Clock.Now().UnixMilli(), Revision: a.Configs.Revision(), Node: a.Node(),
		Counts: counts{st.Configs, st.Grays, st.Bytes, a.Namespaces.Len() + 1, clients, keys},
		Writes: writes{w.Published, w.Removed, w.Refused, w.Failed},
	}, nil
}
