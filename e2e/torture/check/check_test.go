package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nacre/e2e/torture/history"
)

const second = int64(time.Second)

func write(kind string, node int, call int64, value string, revision uint64) *history.Op {
	return &history.Op{Client: node, Node: node, Kind: kind, Key: "k", Value: value, Revision: revision, Outcome: history.OK, Call: call, Return: call + second/10}
}

func read(kind string, node int, call int64, value string, revision uint64) *history.Op {
	o := write(kind, node, call, value, revision)
	o.Client = 10 + node
	return o
}

// good returns a history of three nodes in which nothing is wrong, with a fault from 20 s to 30 s that cut node 3 off.
func good() *history.History {
	held := map[string]history.Held{"k": {MD5: history.MD5("c"), Revision: 7}, "set": {MD5: history.MD5("s"), Revision: 5}}
	there := map[string][]string{"svc": {"10.0.0.1:1", "10.0.0.9:9"}}
	h := &history.History{
		Run: history.Run{Nodes: 3, Keys: []string{"k"}, Services: []string{"svc"}},
		Ops: []*history.Op{
			write(history.Create, 1, 1*second, "a", 1),
			read(history.Strong, 2, 2*second, "a", 1),
			read(history.Local, 2, 3*second, "a", 1),
			write(history.CAS, 2, 4*second, "b", 3),
			read(history.Local, 2, 5*second, "b", 3),
			write(history.Remove, 3, 6*second, "", 4),
			read(history.Strong, 1, 7*second, "", 0),
			write(history.Add, 1, 8*second, "s", 5),
			write(history.Put, 1, 25*second, "x", 0),
			write(history.Put, 3, 26*second, "y", 0),
			write(history.Put, 1, 40*second, "c", 7),
			read(history.Strong, 3, 41*second, "c", 7),
			read(history.Local, 3, 60*second, "c", 7),
		},
		Faults: []*history.Fault{{Name: "partition", Nodes: []int{3}, Begin: 20 * second, End: 30 * second, Cut: []int{3}, CutFrom: 20 * second, CutUntil: 30 * second}},
		Told: []*history.Told{
			{Listener: 1, Node: 1, Key: "k", Value: "a", At: 2 * second},
			{Listener: 1, Node: 1, Key: "k", Value: "b", At: 5 * second},
			{Listener: 1, Node: 1, Key: "k", At: 7 * second},
			{Listener: 1, Node: 1, Key: "k", Value: "c", At: 41 * second},
		},
		Lives: []*history.Life{
			{Instance: "10.0.0.1:1", Service: "svc", Client: 1, Node: 1, What: history.Up, At: second},
			{Instance: "10.0.0.9:9", Service: "svc", Client: 9, Node: 1, Beats: true, What: history.Up, At: second},
			{Instance: "10.0.0.2:2", Service: "svc", Client: 2, Node: 2, What: history.Up, At: second},
			{Instance: "10.0.0.2:2", Service: "svc", Client: 2, Node: 2, What: history.Crash, At: 10 * second},
		},
	}
	h.Ops[3].Expect = 1
	h.Ops[7].Key = "set"
	h.Ops[8].Outcome, h.Ops[9].Outcome = history.Unknown, history.Refused
	for i := range int64(60) {
		for node := 1; node <= 3; node++ {
			s := &history.Sample{Node: node, Service: "svc", Call: i * second, Return: i*second + 1, Present: []string{"10.0.0.1:1", "10.0.0.9:9"}}
			if i >= 1 && i < 12 {
				s.Present = []string{"10.0.0.1:1", "10.0.0.2:2", "10.0.0.9:9"}
			}
			h.Samples = append(h.Samples, s)
		}
	}
	h.Samples = append(h.Samples, &history.Sample{Node: 1, Service: "svc", Subscriber: 1, Call: 12 * second, Return: 12 * second, Present: there["svc"]})
	for node := 1; node <= 3; node++ {
		h.Finals = append(h.Finals, &history.Final{Node: node, At: 61 * second, Configs: held, Instances: there})
		h.Pasts = append(h.Pasts, &history.Past{Node: node, Key: "k", Versions: []history.Version{
			{Revision: 7, Op: "U", MD5: history.MD5("c"), Operator: "1"},
			{Revision: 6, Op: "I", MD5: history.MD5("x"), Operator: "1"},
			{Revision: 4, Op: "D", Operator: "3"},
			{Revision: 3, Op: "U", MD5: history.MD5("b"), Operator: "2"},
			{Revision: 1, Op: "I", MD5: history.MD5("a"), Operator: "1"},
		}})
	}
	return h
}

func limits() Limits {
	l := Default
	l.Search = 5 * time.Second
	return l
}

func TestAGoodHistoryHasNoViolation(t *testing.T) {
	r := Run(good(), limits())
	if len(r.Violations) > 0 || len(r.Undecided) > 0 {
		t.Errorf("%q, undecided %v", r.Violations, r.Undecided)
	}
	if r.Checked == 0 {
		t.Error("no operation was checked")
	}
}

// without returns a copy of configurations without a key.
func without(held map[string]history.Held, key string) map[string]history.Held {
	out := map[string]history.Held{}
	for k, v := range held {
		if k != key {
			out[k] = v
		}
	}
	return out
}

func TestEachBrokenPromiseIsFound(t *testing.T) {
	for _, c := range []struct {
		name, invariant string
		breaks          func(h *history.History)
	}{
		{"an added configuration is gone from one node", "I1", func(h *history.History) { h.Finals[1].Configs = without(h.Finals[1].Configs, "set") }},
		{"a register is gone from all nodes", "I1", func(h *history.History) {
			for _, f := range h.Finals {
				f.Configs = without(f.Configs, "k")
			}
		}},
		{"a node holds an older revision", "I1", func(h *history.History) {
			h.Finals[2].Configs = map[string]history.Held{"k": {MD5: history.MD5("b"), Revision: 3}, "set": {MD5: history.MD5("s"), Revision: 5}}
		}},
		{"an added configuration has another content", "I1", func(h *history.History) {
			for _, f := range h.Finals {
				f.Configs["set"] = history.Held{MD5: history.MD5("other"), Revision: 5}
			}
		}},
		{"what was refused is there", "I1", func(h *history.History) { h.Ops[7].Outcome = history.Refused }},
		{"a content that nobody sent", "I1", func(h *history.History) { h.Finals[0].Configs["k"] = history.Held{MD5: history.MD5("?"), Revision: 8} }},
		{"two changes have one revision", "I2 changes", func(h *history.History) { h.Ops[3].Revision = 1 }},
		{"a later change has an older revision", "I2 changes", func(h *history.History) { h.Ops[10].Revision = 2 }},
		{"a strong read does not see the last change", "I2 lin", func(h *history.History) { h.Ops[11].Value, h.Ops[11].Revision = "b", 3 }},
		{"a strong read does not see a removal", "I2 lin", func(h *history.History) { h.Ops[6].Value, h.Ops[6].Revision = "b", 3 }},
		{"a strong read sees what was refused", "I2 lin", func(h *history.History) { h.Ops[11].Value, h.Ops[11].Revision = "y", 8 }},
		{"a change on a condition that did not hold", "I2 lin", func(h *history.History) { h.Ops[3].Expect = 2 }},
		{"a condition that held was said not to", "I2 lin", func(h *history.History) {
			h.Ops[3].Outcome, h.Ops[3].Revision = history.No, 0
		}},
		{"a creation of what was there", "I2 lin", func(h *history.History) { h.Ops[10].Kind = history.Create; h.Ops[8].Outcome = history.OK }},
		{"a session sees older after newer", "I3 a session", func(h *history.History) {
			h.Ops[4].Value, h.Ops[4].Revision, h.Ops[2].Value, h.Ops[2].Revision = "a", 1, "b", 3
		}},
		{"a node does not show what it acknowledged", "I3 reads", func(h *history.History) { h.Ops[4].Value, h.Ops[4].Revision = "a", 1 }},
		{"a local read is far behind", "I3 local", func(h *history.History) { h.Ops[12].Value, h.Ops[12].Revision = "b", 3 }},
		{"a listener was not told of the last change", "I4", func(h *history.History) { h.Told = h.Told[:3] }},
		{"a listener was told late", "I4", func(h *history.History) { h.Told[3].At = 59 * second }},
		{"a listener was told of what nobody wrote", "I4", func(h *history.History) { h.Told[0].Value = "?" }},
		{"a listener was told of older after newer", "I4", func(h *history.History) { h.Told[0].Value, h.Told[1].Value = "b", "a" }},
		{"a live instance is missing on one node", "I5", func(h *history.History) {
			for _, s := range h.Samples {
				if s.Node == 2 && s.Call > 13*second && s.Call < 18*second {
					s.Present = []string{"10.0.0.9:9"}
				}
			}
		}},
		{"a live instance is missing for long after a fault", "I5", func(h *history.History) {
			for _, s := range h.Samples {
				if s.Node == 1 && s.Call > 22*second && s.Call < 32*second {
					s.Present = nil
				}
			}
		}},
		{"a dead instance is still there", "I6", func(h *history.History) {
			for _, s := range h.Samples {
				if s.Node == 3 && s.Call > 12*second && s.Call < 19*second {
					s.Present = []string{"10.0.0.1:1", "10.0.0.2:2", "10.0.0.9:9"}
				}
			}
		}},
		{"a client that stopped its heartbeats is still there", "I6", func(h *history.History) {
			h.Lives = append(h.Lives, &history.Life{Instance: "10.0.0.9:9", Service: "svc", Client: 9, What: history.Silent, At: 5 * second})
			h.Faults = nil
		}},
		{"a subscriber was not told of the last change", "I6", func(h *history.History) { h.Samples[len(h.Samples)-1].Present = nil }},
		{"nodes hold different contents", "I7", func(h *history.History) {
			h.Finals[1].Configs = map[string]history.Held{"k": {MD5: history.MD5("c"), Revision: 8}, "set": {MD5: history.MD5("s"), Revision: 5}}
		}},
		{"nodes hold different instances", "I7", func(h *history.History) {
			h.Finals[2].Instances = map[string][]string{"svc": {"10.0.0.1:1"}}
		}},
		{"nodes have different histories", "I7", func(h *history.History) { h.Pasts[1].Versions = h.Pasts[1].Versions[:4] }},
		{"the history has lost a change", "I8", func(h *history.History) {
			for _, p := range h.Pasts {
				p.Versions = append(p.Versions[:3:3], p.Versions[4:]...)
			}
		}},
		{"the history has lost a removal", "I8", func(h *history.History) {
			for _, p := range h.Pasts {
				p.Versions = append(p.Versions[:2:2], p.Versions[3:]...)
			}
		}},
		{"the history has a change twice", "I8", func(h *history.History) {
			for _, p := range h.Pasts {
				p.Versions = append([]history.Version{{Revision: 9, Op: "U", MD5: history.MD5("a"), Operator: "1"}}, p.Versions...)
			}
		}},
		{"the history has what was refused", "I8", func(h *history.History) {
			for _, p := range h.Pasts {
				p.Versions = append([]history.Version{{Revision: 9, Op: "U", MD5: history.MD5("y"), Operator: "1"}}, p.Versions...)
			}
		}},
		{"the history does not say who", "I8", func(h *history.History) { h.Pasts[0].Versions[1].Operator = "" }},
		{"a node without a majority acknowledges", "I9", func(h *history.History) { h.Ops[9].Outcome = history.OK }},
		{"a node without a majority reads strongly", "I9", func(h *history.History) {
			h.Ops = append(h.Ops, read(history.Strong, 3, 27*second, "x", 0))
		}},
		{"an acknowledgement faster than the disk", "P1", func(h *history.History) {
			h.Faults = append(h.Faults, &history.Fault{Name: "slow", Begin: 39 * second, End: 45 * second, CutFrom: 39 * second, CutUntil: 45 * second, Delay: second / 2})
		}},
		{"a refusal takes long", "P5", func(h *history.History) { h.Ops[9].Call, h.Ops[9].Return = 23*second+1, 29*second }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := good()
			c.breaks(h)
			r := Run(h, limits())
			for _, v := range r.Violations {
				if strings.HasPrefix(v.Invariant, c.invariant) {
					return
				}
			}
			t.Errorf("not found; found was %q", r.Violations)
		})
	}
}

func TestWhatIsUnknownMayHaveHappenedOrNot(t *testing.T) {
	for _, happened := range []bool{false, true} {
		h := &history.History{Ops: []*history.Op{
			write(history.Put, 1, 1*second, "a", 1),
			write(history.Put, 1, 2*second, "b", 0),
			read(history.Strong, 2, 9*second, "a", 1),
		}}
		h.Ops[1].Outcome = history.Unknown
		if happened {
			h.Ops[2].Value, h.Ops[2].Revision = "b", 2
		}
		if r := Run(h, limits()); len(r.Violations) > 0 {
			t.Errorf("happened %v: %q", happened, r.Violations)
		}
	}
}

// TestManyDoubtsAreDecidedSoon has what a run with several kills has: most operations known, some not.
func TestManyDoubtsAreDecidedSoon(t *testing.T) {
	h := &history.History{}
	revision := uint64(0)
	for i := range int64(2000) {
		revision++
		o := write(history.Put, int(i%8), i*second/100, fmt.Sprint("v", i), revision)
		o.Return = o.Call + second/200
		if i%100 == 99 {
			o.Outcome, o.Revision = history.Unknown, 0
		}
		h.Ops = append(h.Ops, o)
		if i%3 == 0 && o.Outcome == history.OK {
			r := read(history.Strong, int(i%8), o.Return+1, o.Value, revision)
			r.Return = r.Call + 1
			h.Ops = append(h.Ops, r)
		}
	}
	if r := Run(h, limits()); len(r.Violations) > 0 || len(r.Undecided) > 0 {
		t.Errorf("%q, undecided %v", r.Violations, r.Undecided)
	}
}
