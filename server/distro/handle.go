package distro

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"nacre/server/clock"
	"nacre/server/distro/distropb"
	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/naming/namingpb"
)

func unreadable(err error) error {
	return fault.Wrap(fault.Invalid, err, "a message between nodes can't be read")
}

// handleSync takes up what changed of another node's clients.
func (s *Sync) handleSync(_ context.Context, _ string, body []byte) ([]byte, error) {
	chunk := new(distropb.Chunk)
	if err := proto.Unmarshal(body, chunk); err != nil {
		return nil, unreadable(err)
	}
	for _, b := range chunk.GetCopies() {
		if err := s.cfg.Source.Merge(b); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// handleCompare answers what is known of a run, where that differs from what the other node knows.
func (s *Sync) handleCompare(_ context.Context, _ string, body []byte) ([]byte, error) {
	m := new(distropb.Compare)
	if err := proto.Unmarshal(body, m); err != nil {
		return nil, unreadable(err)
	}
	node := m.GetRun().GetNode()
	known, ok := s.cfg.Source.Known(node, m.GetRun().GetIncarnation())
	if !ok {
		return proto.Marshal(new(distropb.Compared))
	}
	out := &distropb.Compared{Known: true, Incarnation: known.Incarnation, AsOf: known.AsOf, Whole: true}
	if h, ok := s.holder(node, known.Incarnation); ok {
		out.LeftMs = h.Left.Milliseconds()
	}
	theirs := m.GetSums()
	if len(theirs) != buckets || m.GetHeld() != known.Incarnation {
		theirs = make([]uint64, buckets)
	}
	mine := sumsOf(known.Versions)
	in := make(map[uint32][]naming.Version)
	for _, v := range known.Versions {
		if b := bucketOf(hashOf(v.ID)); mine[b] != theirs[b] {
			in[b] = append(in[b], v)
		}
	}
	size := 0
	for b := range uint32(buckets) {
		if mine[b] == theirs[b] {
			continue
		}
		for _, v := range in[b] {
			size += len(v.ID) + 16
		}
		if size > s.cfg.MaxBytes && len(out.Buckets) > 0 {
			out.Whole = false
			break
		}
		out.Buckets = append(out.Buckets, b)
		for _, v := range in[b] {
			out.Versions = append(out.Versions, &distropb.Version{Id: v.ID, Revision: v.Revision})
		}
	}
	return proto.Marshal(out)
}

func (s *Sync) holder(node string, incarnation uint64) (naming.Holder, bool) {
	for _, h := range s.cfg.Source.Holders() {
		if h.Node == node && h.Incarnation == incarnation {
			return h, true
		}
	}
	return naming.Holder{}, false
}

// handleFetch answers clients of a run, as many as fit into a message.
func (s *Sync) handleFetch(_ context.Context, _ string, body []byte) ([]byte, error) {
	m := new(distropb.Fetch)
	if err := proto.Unmarshal(body, m); err != nil {
		return nil, unreadable(err)
	}
	out := &distropb.Fetched{Chunk: new(distropb.Chunk)}
	size, skip := 0, int(m.GetSkip())
	for _, id := range m.GetIds() {
		parts := s.cfg.Source.Encode(m.GetRun().GetNode(), m.GetRun().GetIncarnation(), naming.Change{ID: id}, s.cfg.MaxBytes)
		for n, b := range parts {
			if n < skip {
				continue
			}
			if size > 0 && size+len(b) > s.cfg.MaxBytes {
				out.Parts = uint32(n)
				return proto.Marshal(out)
			}
			out.Chunk.Copies = append(out.Chunk.Copies, b)
			size += len(b) + perCopy
		}
		skip = 0
		out.Done++
	}
	return proto.Marshal(out)
}

// handleHolders answers which runs of nodes are known here, this one's first.
func (s *Sync) handleHolders(context.Context, string, []byte) ([]byte, error) {
	out := &distropb.Holders{Runs: []*distropb.Run{{Node: s.cfg.Members.Self(), Incarnation: s.cfg.Source.Incarnation()}}}
	for _, h := range s.cfg.Source.Holders() {
		out.Runs = append(out.Runs, &distropb.Run{Node: h.Node, Incarnation: h.Incarnation})
	}
	return proto.Marshal(out)
}

// handleAsk answers what a client asks, which another node hands to this one.
func (s *Sync) handleAsk(_ context.Context, _ string, body []byte) ([]byte, error) {
	m := new(namingpb.Asked)
	if err := proto.Unmarshal(body, m); err != nil {
		return nil, unreadable(err)
	}
	return proto.Marshal(s.cfg.Clients.Answer(m))
}

var _ naming.Owners = (*Sync)(nil)

// Owner implements naming.Owners.
func (s *Sync) Owner(address string) string { return s.cfg.Members.Owner(address) }

// muteTime is how long a node that did not answer a client is not asked again, so that no more clients wait for it.
const muteTime = time.Second

// Ask implements naming.Owners. Faults: those of Peers.Call, and Unavailable at once for a second after one.
func (s *Sync) Ask(ctx context.Context, node string, q *namingpb.Asked) (*namingpb.Answered, error) {
	s.mu.Lock()
	muted := clock.Mono().Before(s.mute[node])
	s.mu.Unlock()
	if muted {
		return nil, fault.New(fault.Unavailable, "node %s did not answer a moment ago", node)
	}
	out := new(namingpb.Answered)
	if err := s.call(ctx, node, methodAsk, q, out); err != nil {
		s.mu.Lock()
		s.mute[node] = clock.Mono().Add(muteTime)
		s.mu.Unlock()
		return nil, err
	}
	return out, nil
}
