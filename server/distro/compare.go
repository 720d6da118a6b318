package distro

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"nacre/server/distro/distropb"
	"nacre/server/naming"
)

// buckets is how many parts ids fall into.
const buckets = 256

// maxRounds bounds the questions of one comparison: each answer has as many versions as fit into a message.
const maxRounds = 1000

// hashOf returns the hash of an id, the same on all nodes.
func hashOf(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return mix(h.Sum64())
}

// mix spreads the bits of x.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func bucketOf(hash uint64) uint32 { return uint32(hash % buckets) }

// sumsOf returns a sum of the versions in each bucket, which does not depend on their order.
func sumsOf(versions []naming.Version) []uint64 {
	sums := make([]uint64, buckets)
	for _, v := range versions {
		h := hashOf(v.ID)
		sums[bucketOf(h)] ^= mix(h + v.Revision*0x9e3779b97f4a7c15)
	}
	return sums
}

// compare has this node know of a run of node what the node to does, and returns how many clients it had to fetch. Incarnation 0 is
// the latest run that is known.
func (s *Sync) compare(ctx context.Context, to, node string, incarnation uint64) (fetched int, err error) {
	src := s.cfg.Source
	for range maxRounds {
		known, _ := src.Known(node, incarnation)
		out := new(distropb.Compared)
		ask := &distropb.Compare{Run: &distropb.Run{Node: node, Incarnation: incarnation}, Held: known.Incarnation, Sums: sumsOf(known.Versions)}
		if err := s.call(ctx, to, methodCompare, ask, out); err != nil {
			return fetched, err
		}
		if !out.GetKnown() {
			return fetched, nil
		}
		now := out.GetIncarnation()
		held := make(map[string]uint64, len(known.Versions))
		if now == known.Incarnation {
			for _, v := range known.Versions {
				held[v.ID] = v.Revision
			}
		}
		if out.GetLeftMs() == 0 {
			src.Seen(node, now)
		}
		listed := make([]naming.Version, 0, len(out.GetVersions()))
		var missing []string
		for _, v := range out.GetVersions() {
			listed = append(listed, naming.Version{ID: v.GetId(), Revision: v.GetRevision()})
			if held[v.GetId()] < v.GetRevision() {
				missing = append(missing, v.GetId())
			}
		}
		if err := s.fetch(ctx, to, &distropb.Run{Node: node, Incarnation: now}, missing); err != nil {
			return fetched, err
		}
		fetched += len(missing)
		covered := make(map[uint32]bool, len(out.GetBuckets()))
		for _, b := range out.GetBuckets() {
			covered[b] = true
		}
		src.Verified(node, now, out.GetAsOf(), func(id string) bool { return covered[bucketOf(hashOf(id))] }, listed)
		if left := out.GetLeftMs(); left > 0 {
			src.Lost(node, time.Duration(left)*time.Millisecond)
		}
		if out.GetWhole() {
			src.Complete(node, now, out.GetAsOf())
			return fetched, nil
		}
	}
	return fetched, fmt.Errorf("what node %s knows of the clients of node %s does not come to an end", to, node)
}

// fetch merges clients of a run from another node.
func (s *Sync) fetch(ctx context.Context, to string, run *distropb.Run, ids []string) error {
	skip := uint32(0)
	for len(ids) > 0 {
		out := new(distropb.Fetched)
		ask := &distropb.Fetch{Run: run, Ids: ids[:min(len(ids), maxFetched)], Skip: skip}
		if err := s.call(ctx, to, methodFetch, ask, out); err != nil {
			return err
		}
		done := int(out.GetDone())
		if done > len(ask.GetIds()) || done == 0 && out.GetParts() <= skip {
			return fmt.Errorf("node %s answers with nothing of what it was asked for", to)
		}
		for _, b := range out.GetChunk().GetCopies() {
			if err := s.cfg.Source.Merge(b); err != nil {
				return err
			}
		}
		ids, skip = ids[done:], out.GetParts()
	}
	return nil
}

// maxFetched bounds the clients that are asked for in one message, as an id may have some hundred bytes.
const maxFetched = 2000

// load takes up what the other nodes know. It returns when one of them told all, when none is up, or after LoadTime.
func (s *Sync) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.LoadTime)
	defer cancel()
	start := len(s.cfg.Source.Holders())
	for {
		alive := s.cfg.Members.Alive()
		var err error
		for _, peer := range alive {
			if err = s.loadFrom(ctx, peer); err == nil {
				s.cfg.Log.Info("clients of other nodes are loaded", "from", peer, "nodes", len(s.cfg.Source.Holders())-start)
				return
			}
		}
		if len(alive) == 0 {
			return
		}
		if !pause(ctx, s.cfg.Retry/2) {
			s.cfg.Log.Warn("no other node told of its clients: they come when one does", "err", err)
			return
		}
	}
}

// loadFrom takes up what one node knows, of its own clients and those of others.
func (s *Sync) loadFrom(ctx context.Context, peer string) error {
	out := new(distropb.Holders)
	if err := s.call(ctx, peer, methodHolders, new(distropb.Holders), out); err != nil {
		return err
	}
	for _, run := range out.GetRuns() {
		if _, err := s.compare(ctx, peer, run.GetNode(), run.GetIncarnation()); err != nil {
			return err
		}
	}
	return nil
}
