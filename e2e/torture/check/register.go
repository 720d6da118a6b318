package check

import (
	"fmt"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"

	"nacre/e2e/torture/history"
)

// register is what a key holds; revision 0 of a value is one that is not known.
type register struct {
	value    string
	revision uint64
}

// step says whether an operation can have happened to s with what came of it, and what s is then.
func step(s register, o *history.Op, revision uint64) (bool, register) {
	unknown := o.Outcome == history.Unknown
	after := register{o.Value, revision}
	newer := revision == 0 || s.revision < revision
	switch o.Kind {
	case history.Put:
		return newer, after
	case history.Create:
		switch {
		case unknown && s.value != "":
			return true, s
		case o.Outcome == history.No:
			return s.value != "", s
		}
		return s.value == "" && newer, after
	case history.CAS:
		holds, doubtful := s.value != "", false
		if o.ExpectMD5 != "" { // as in Nacos, where nothing is held any md5 holds
			holds = !holds || history.MD5(s.value) == o.ExpectMD5
		} else if holds {
			holds, doubtful = s.revision == o.Expect, s.revision == 0
		}
		switch {
		case o.Outcome == history.No:
			return !holds || doubtful, s
		case unknown && !holds && !doubtful:
			return true, s
		}
		return (holds || doubtful) && newer, after
	case history.Remove:
		if o.Outcome == history.No { // there was nothing
			return s.value == "", s
		}
		return unknown || s.value != "", register{}
	case history.Strong:
		if s.value != o.Value || s.revision != 0 && o.Revision != 0 && s.revision != o.Revision {
			return false, s
		}
		if s.revision == 0 {
			s.revision = o.Revision
		}
		return true, s
	}
	return false, s
}

type call struct {
	op       *history.Op
	revision uint64
}

var model = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		c := input.(call)
		ok, after := step(state.(register), c.op, c.revision)
		return ok, after
	},
	DescribeOperation: func(input, _ any) string {
		o := input.(call).op
		return fmt.Sprintf("%s %s → %s r%d", o.Kind, o.Value, o.Outcome, o.Revision)
	},
	DescribeState: func(state any) string { return fmt.Sprintf("%+v", state) },
}

// registers looks for an order of each key's operations that explains all answers (I2).
func registers(b *book, r *Result) {
	byKey := map[string][]*history.Op{}
	for _, o := range b.Ops {
		if o.Kind != history.Local && o.Kind != history.Add && o.Outcome != history.Refused && !(o.Kind == history.Strong && o.Outcome != history.OK) {
			byKey[o.Key] = append(byKey[o.Key], o)
		}
	}
	for _, key := range slices.Sorted(keysOf(byKey)) {
		ops := byKey[key]
		r.Checked += len(ops)
		seen := map[string]bool{}
		for _, o := range ops {
			if !o.Writes() {
				seen[o.Value] = true
			}
		}
		// What nobody saw and nobody was told of may never have happened. Most often that explains all, and is found soon.
		few := slices.DeleteFunc(slices.Clone(ops), func(o *history.Op) bool {
			return o.Outcome == history.Unknown && (o.Kind == history.Remove || !seen[o.Value] && b.revision[o.Value] == 0)
		})
		if porcupine.CheckOperationsTimeout(model, b.operations(few), b.limits.Search) == porcupine.Ok {
			continue
		}
		switch porcupine.CheckOperationsTimeout(model, b.operations(ops), b.limits.Search) {
		case porcupine.Unknown:
			r.Undecided = append(r.Undecided, key)
		case porcupine.Illegal:
			r.Violations = append(r.Violations, Violation{"I2 linearizable", fmt.Sprintf("no order of the %d operations on %s explains what was answered%s", len(ops), key, b.earliest(ops))})
		}
	}
}

func (b *book) operations(ops []*history.Op) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		c := call{o, o.Revision}
		if o.Writes() && c.revision == 0 {
			c.revision = b.revision[o.Value]
		}
		end := o.Return
		if o.Outcome == history.Unknown {
			end = math.MaxInt64
		}
		out[i] = porcupine.Operation{ClientId: o.Client, Input: c, Call: o.Call, Return: end}
	}
	return out
}

// earliest names the operation without which, and all that were called after it, there is an order.
func (b *book) earliest(ops []*history.Op) string {
	byCall := slices.SortedFunc(slices.Values(ops), func(x, y *history.Op) int { return int(x.Return - y.Return) })
	low, high := 0, len(byCall) // the first low have an order, the first high have none
	for high-low > 1 {
		mid := (low + high) / 2
		// Others that were under way then may have had their effect already.
		cut := byCall[mid-1].Return
		var part []*history.Op
		for _, o := range byCall {
			switch {
			case o.Return <= cut:
				part = append(part, o)
			case o.Call <= cut && o.Writes():
				open := *o
				open.Outcome = history.Unknown
				part = append(part, &open)
			}
		}
		switch porcupine.CheckOperationsTimeout(model, b.operations(part), b.limits.Search/10) {
		case porcupine.Ok:
			low = mid
		case porcupine.Illegal:
			high = mid
		default:
			return ""
		}
	}
	return "; the first that nothing explains is " + describe(byCall[high-1])
}
