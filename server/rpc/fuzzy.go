package rpc

import (
	"context"
	"strconv"
	"sync"
	"time"

	"nacre/server/fuzzy"
	"nacre/server/rpc/payload"
)

// Codes of refused fuzzy watches (grpc.md §5.7).
const (
	codeTooManyPatterns = 50310
	codeTooManyMatches  = 50311
)

const (
	// maxPatterns is how many patterns of one kind one client may watch, as in Nacos.
	maxPatterns = 20
	// fuzzyTimeout is how long a client has to acknowledge what it is told; fuzzyRetry is after how long it is told again,
	// fuzzyRetryMost at the most.
	fuzzyTimeout   = 3 * time.Second
	fuzzyRetry     = time.Second
	fuzzyRetryMost = 30 * time.Second
)

// The kinds of requests for a fuzzy watch.
const (
	watchBegins = "WATCH"
	watchEnds   = "CANCEL_WATCH"
)

// watching is how names of one kind are watched: what differs between configurations and services.
type watching[K fuzzy.Name] struct {
	request string // the type of requests
	watched reply  // the answer to good ones
	// strict refuses kinds of requests that are not known; Nacos does so for services alone.
	strict bool
	of     func(*Conn) *patterns[K]
	watch  func(p fuzzy.Pattern, known []K, initial bool, notify func()) (*fuzzy.Watch[K], bool, error)
	parse  func(text string) (K, bool)
	encode func(id uint64, pattern string, m fuzzy.Message[K]) []byte
}

// registerFuzzy adds the fuzzy watches of SDKs of version 3.
func registerFuzzy(s *Server) {
	s.configWatching, s.serviceWatching = newConfigWatching(s), newServiceWatching(s)
	s.handlers[s.configWatching.request] = fuzzyWatch(s, s.configWatching)
	s.handlers[s.serviceWatching.request] = fuzzyWatch(s, s.serviceWatching)
}

// patterns are the fuzzy watches of one kind of one connection.
type patterns[K fuzzy.Name] struct {
	mu      sync.Mutex
	watches map[string]*patternWatch[K]
	ended   bool
}

// patternWatch is one of them.
type patternWatch[K fuzzy.Name] struct {
	*fuzzy.Watch[K]
	lost  int  // how often in a row the client did not acknowledge; guarded by patterns
	rests bool // until it is told again; guarded by patterns
}

// watchRequest is a request for a fuzzy watch.
type watchRequest[K fuzzy.Name] struct {
	pattern, kind string
	initial       bool
	known         []K
}

func (k *watching[K]) read(body []byte) (r watchRequest[K], err error) {
	err = payload.Fields(body, func(field string, v payload.Value) error {
		switch field {
		case "groupKeyPattern":
			return v.Text(&r.pattern, nil)
		case "watchType":
			return v.Text(&r.kind, nil)
		case "initializing":
			return v.Bool(&r.initial)
		case "receivedGroupKeys":
			return v.Items(func(v payload.Value) error {
				var one string
				if err := v.Text(&one, nil); err != nil || len(r.known) == 2*fuzzy.MaxMatches {
					return err
				}
				if key, ok := k.parse(one); ok {
					r.known = append(r.known, key)
				}
				return nil
			})
		}
		return nil
	})
	return r, err
}

// fuzzyWatch returns what answers requests of one kind.
func fuzzyWatch[K fuzzy.Name](s *Server, k *watching[K]) handler {
	return func(_ context.Context, c *Conn, m *payload.Message) reply {
		r, err := k.read(m.Body)
		if err != nil {
			return s.fail(unparsable(err))
		}
		switch {
		case r.kind == watchBegins:
			p, err := fuzzy.Parse(r.pattern)
			if err != nil {
				return s.fault(k.request, err)
			}
			return k.begin(s, c, p, &r)
		case r.kind == watchEnds:
			k.of(c).cancel(r.pattern)
		case k.strict:
			return s.fail(broken(codeInvalid, "Unsupported watch type "+r.kind))
		}
		return k.watched
	}
}

func (k *watching[K]) begin(s *Server, c *Conn, p fuzzy.Pattern, r *watchRequest[K]) reply {
	held := k.of(c)
	held.cancel(p.String()) // the same again is a new beginning
	if !held.room() {
		return s.fail(ownFailure(k.request, codeTooManyPatterns, "fuzzy watch pattern over limit: a client may watch "+strconv.Itoa(maxPatterns)))
	}
	w, over, err := k.watch(p, r.known, r.initial, func() { s.pushes.add(c) })
	if err != nil {
		return s.fail(ownFailure(k.request, codeTooManyPatterns, err.Error()))
	}
	if !held.add(w) {
		w.Cancel()
		return s.refuse(codeUnknown, "Connection is unregistered.")
	}
	s.pushes.add(c)
	if over {
		return s.fail(ownFailure(k.request, codeTooManyMatches, "fuzzy watch pattern matched count over limit: of more than "+strconv.Itoa(fuzzy.MaxMatches)+
			" the others are not told, nor removals"))
	}
	return k.watched
}

func (p *patterns[K]) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watches) < maxPatterns
}

func (p *patterns[K]) add(w *fuzzy.Watch[K]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	if p.watches == nil {
		p.watches = make(map[string]*patternWatch[K])
	}
	if before := p.watches[w.Pattern.String()]; before != nil { // two at once
		before.Cancel()
	}
	p.watches[w.Pattern.String()] = &patternWatch[K]{Watch: w}
	return true
}

func (p *patterns[K]) cancel(text string) {
	p.mu.Lock()
	w := p.watches[text]
	delete(p.watches, text)
	p.mu.Unlock()
	if w != nil {
		w.Cancel()
	}
}

// end cancels all.
func (p *patterns[K]) end() {
	p.mu.Lock()
	all := p.watches
	p.watches, p.ended = nil, true
	p.mu.Unlock()
	for _, w := range all {
		w.Cancel()
	}
}

// due returns those that may tell something now.
func (p *patterns[K]) due() []*patternWatch[K] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watches) == 0 {
		return nil
	}
	out := make([]*patternWatch[K], 0, len(p.watches))
	for _, w := range p.watches {
		if !w.rests {
			out = append(out, w)
		}
	}
	return out
}

// answered counts what a client did not acknowledge, and returns how long w rests before it tells that again.
func (p *patterns[K]) answered(w *patternWatch[K], ok bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		w.lost = 0
		return 0
	}
	w.lost++
	w.rests = true
	return min(fuzzyRetry<<min(w.lost-1, 10), fuzzyRetryMost)
}

// rested ends the rest of w.
func (p *patterns[K]) rested(w *patternWatch[K]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.rests = false
}

// push sends what the fuzzy watches of c have to tell, one message of each at a time.
func (k *watching[K]) push(s *Server, c *Conn) {
	held := k.of(c)
	for _, w := range held.due() {
		m, ok := w.Next()
		if !ok {
			continue
		}
		id := s.nextID()
		settle := func(ok bool) {
			wait := held.answered(w, ok)
			w.Done(ok)
			if wait == 0 {
				s.pushes.add(c)
				return
			}
			time.AfterFunc(wait, func() { // without a watch by then it finds nothing
				held.rested(w)
				s.pushes.add(c)
			})
		}
		if !c.ask(id, k.encode(id, w.Pattern.String(), m), fuzzyTimeout, settle) {
			settle(false)
		}
	}
}

// changeWords are how one kind words that a name is there, or is not there any more.
type changeWords[K fuzzy.Name] struct {
	keyField, added, removed string
	appendKey                func(b []byte, k K) []byte
}

// contexts appends the names of one message of a first difference.
func (w *changeWords[K]) contexts(b []byte, changes []fuzzy.Change[K]) []byte {
	b = append(b, `,"contexts":[`...)
	for i, c := range changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(w.change(append(b, '{'), c, "changedType"), '}')
	}
	return append(b, ']')
}

// change appends the fields that tell of one name.
func (w *changeWords[K]) change(b []byte, c fuzzy.Change[K], field string) []byte {
	word := w.removed
	if c.Exists {
		word = w.added
	}
	b = append(append(append(b, '"'), w.keyField...), `":`...)
	b = append(append(w.appendKey(b, c.Key), `,"`...), field...)
	return append(append(append(b, `":"`...), word...), '"')
}

// appendBatch appends what every message of a first difference has.
func appendBatch(b []byte, kind fuzzy.Sync, pattern string, batch, batches int) []byte {
	b = payload.AppendString(append(b, `,"groupKeyPattern":`...), pattern)
	b = append(append(append(b, `,"syncType":"`...), kind...), `","totalBatch":`...)
	b = appendNumber(b, int64(batches))
	return appendNumber(append(b, `,"currentBatch":`...), int64(batch))
}
