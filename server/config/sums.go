package config

import "sync"

// Sum is a checksum of all configurations as they were at a revision: the sum, without carry, of one number for each. It says
// nothing of the order in which they came, so a change costs two numbers, and no scan.
type Sum struct {
	Revision uint64 `json:"revision"`
	Sum      uint64 `json:"sum"`
}

// Sums are what two nodes compare: the checksum of now, and, oldest first, those of some revisions before, which all nodes
// keep of the same ones. Nodes under load are seldom at the same revision.
type Sums struct {
	Now   Sum   `json:"now"`
	Marks []Sum `json:"marks"`
}

// Compare returns the newest revision of which both have a checksum, and whether these are the same; found is false when there is none.
func (s Sums) Compare(o Sums) (revision uint64, same, found bool) {
	for _, a := range append(s.Marks[:len(s.Marks):len(s.Marks)], s.Now) {
		for _, b := range append(o.Marks[:len(o.Marks):len(o.Marks)], o.Now) {
			if a.Revision == b.Revision && (!found || a.Revision >= revision) {
				revision, same, found = a.Revision, a.Sum == b.Sum, true
			}
		}
	}
	return revision, same, found
}

const (
	// markEvery is how many revisions lie between two marks, about; markCount is how many are kept: enough for a node that is
	// seconds behind under the heaviest load.
	markEvery = 1024
	markCount = 64
)

// sums keeps checksums. The applying goroutine writes.
type sums struct {
	running uint64 // of what is held at this moment; of the applying goroutine alone

	mu    sync.Mutex
	now   Sum
	marks []Sum
}

// replace takes before out of the running sum and after into it.
func (s *sums) replace(k Key, before, after *Item) {
	s.running += fingerprint(k, after) - fingerprint(k, before)
}

// settle makes the running sum that of a revision, once a command is decided.
func (s *sums) settle(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision/markEvery != s.now.Revision/markEvery && revision > s.now.Revision {
		if len(s.marks) == markCount {
			s.marks = append(s.marks[:0], s.marks[1:]...)
		}
		s.marks = append(s.marks, Sum{revision, s.running})
	}
	s.now = Sum{revision, s.running}
}

// begin forgets all that was before, for a state that was loaded.
func (s *sums) begin(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks, s.now = nil, Sum{revision, s.running}
}

// Sums returns the checksums of what is held.
func (s *State) Sums() Sums {
	s.sums.mu.Lock()
	defer s.sums.mu.Unlock()
	return Sums{Now: s.sums.now, Marks: append([]Sum{}, s.sums.marks...)}
}

// Sums returns the checksums of what is held.
func (s *Service) Sums() Sums { return s.state.Sums() }

// fingerprint is the number of one item, 0 for none. It is the same on every node, whatever its version of Go or its processor.
func fingerprint(k Key, it *Item) uint64 {
	if it == nil || it.Formal == nil && len(it.Grays) == 0 {
		return 0
	}
	h := fnv(offset64)
	h.text(k.Namespace).text(k.Group).text(k.DataID)
	if e := it.Formal; e != nil {
		h.number(e.Revision).number(uint64(e.ID)).number(uint64(e.ModifiedMs)).text(e.MD5).text(e.Type).text(e.AppName)
	}
	for _, g := range it.Grays {
		h.number(g.Revision).number(uint64(g.ID)).text(g.Name).text(g.MD5).text(g.Rule.Type).text(g.Rule.Expr)
	}
	return h.mixed()
}

// fnv is the hash FNV-1a of 64 bits.
type fnv uint64

const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func (h *fnv) text(s string) *fnv {
	x := uint64(*h)
	for i := range len(s) {
		x = (x ^ uint64(s[i])) * prime64
	}
	*h = fnv((x ^ 0xff) * prime64) // no text has this byte: it ends one
	return h
}

func (h *fnv) number(n uint64) *fnv {
	x := uint64(*h)
	for range 8 {
		x = (x ^ n&0xff) * prime64
		n >>= 8
	}
	*h = fnv(x)
	return h
}

// mixed spreads the hash over all bits, so that sums of many don't hide what is in the low ones.
func (h *fnv) mixed() uint64 {
	x := uint64(*h)
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
