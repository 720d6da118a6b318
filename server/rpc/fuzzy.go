package rpc

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"nacre/server/config"
	"nacre/server/config/fuzzy"
	"nacre/server/rpc/payload"
)

// Codes of refused fuzzy watches (grpc.md §5.7).
const (
	codeTooManyPatterns = 50310
	codeTooManyMatches  = 50311
)

const (
	// maxPatterns is how many patterns one client may watch, as in Nacos.
	maxPatterns = 20
	// fuzzyTimeout is how long a client has to acknowledge what it is told; fuzzyRetry is after how long it is told again,
	// fuzzyRetryMost at the most.
	fuzzyTimeout   = 3 * time.Second
	fuzzyRetry     = time.Second
	fuzzyRetryMost = 30 * time.Second
)

// registerFuzzy adds the fuzzy watch of SDKs of version 3.
func registerFuzzy(s *Server) { s.handlers["ConfigFuzzyWatchRequest"] = s.fuzzyWatch }

// patterns are the fuzzy watches of one connection.
type patterns struct {
	mu      sync.Mutex
	watches map[string]*patternWatch
	ended   bool
}

// patternWatch is one of them.
type patternWatch struct {
	*fuzzy.Watch
	lost  int  // how often in a row the client did not acknowledge; guarded by patterns
	rests bool // until it is told again; guarded by patterns
}

// fuzzyWatch answers ConfigFuzzyWatchRequest.
func (s *Server) fuzzyWatch(_ context.Context, c *Conn, m *payload.Message) reply {
	const typ = "ConfigFuzzyWatchRequest"
	var text, kind string
	var initial bool
	var known []config.Key
	if err := payload.Fields(m.Body, func(field string, v payload.Value) error {
		switch field {
		case "groupKeyPattern":
			return v.Text(&text, nil)
		case "watchType":
			return v.Text(&kind, nil)
		case "initializing":
			return v.Bool(&initial)
		case "receivedGroupKeys":
			return v.Items(func(v payload.Value) error {
				var one string
				if err := v.Text(&one, nil); err != nil || len(known) == 2*fuzzy.MaxMatches {
					return err
				}
				if k, ok := parseGroupKey(one); ok {
					known = append(known, k)
				}
				return nil
			})
		}
		return nil
	}); err != nil {
		return s.fail(unparsable(err))
	}
	switch kind {
	case "WATCH":
	case "CANCEL_WATCH":
		c.patterns.cancel(text)
		return watched
	default: // as Nacos does
		return watched
	}
	p, err := fuzzy.Parse(text)
	if err != nil {
		return s.fault(typ, err)
	}
	return s.beginWatch(c, p, known, initial)
}

var watched = reply{b: payload.Encode("ConfigFuzzyWatchResponse", "", []byte(okBody))}

func (s *Server) beginWatch(c *Conn, p fuzzy.Pattern, known []config.Key, initial bool) reply {
	const typ = "ConfigFuzzyWatchRequest"
	c.patterns.cancel(p.String()) // the same again is a new beginning
	if !c.patterns.room() {
		return s.fail(ownFailure(typ, codeTooManyPatterns, "fuzzy watch pattern over limit: a client may watch "+strconv.Itoa(maxPatterns)))
	}
	w, over, err := s.cfg.Fuzzy.Watch(p, known, initial, s.cfg.Configs.Each, func() { s.pushes.add(c) })
	if err != nil {
		return s.fail(ownFailure(typ, codeTooManyPatterns, err.Error()))
	}
	if !c.patterns.add(w) {
		w.Cancel()
		return s.refuse(codeUnknown, "Connection is unregistered.")
	}
	s.pushes.add(c)
	if over {
		return s.fail(ownFailure(typ, codeTooManyMatches, "fuzzy watch pattern matched count over limit: of more than "+strconv.Itoa(fuzzy.MaxMatches)+
			" configurations the others are not told, nor removals"))
	}
	return watched
}

func (p *patterns) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watches) < maxPatterns
}

func (p *patterns) add(w *fuzzy.Watch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	if p.watches == nil {
		p.watches = make(map[string]*patternWatch)
	}
	if before := p.watches[w.Pattern.String()]; before != nil { // two at once
		before.Cancel()
	}
	p.watches[w.Pattern.String()] = &patternWatch{Watch: w}
	return true
}

func (p *patterns) cancel(text string) {
	p.mu.Lock()
	w := p.watches[text]
	delete(p.watches, text)
	p.mu.Unlock()
	if w != nil {
		w.Cancel()
	}
}

// end cancels all.
func (p *patterns) end() {
	p.mu.Lock()
	all := p.watches
	p.watches, p.ended = nil, true
	p.mu.Unlock()
	for _, w := range all {
		w.Cancel()
	}
}

// due returns those that may tell something now.
func (p *patterns) due() []*patternWatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watches) == 0 {
		return nil
	}
	out := make([]*patternWatch, 0, len(p.watches))
	for _, w := range p.watches {
		if !w.rests {
			out = append(out, w)
		}
	}
	return out
}

// answered counts what a client did not acknowledge, and returns how long w rests before it tells that again.
func (p *patterns) answered(w *patternWatch, ok bool) time.Duration {
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
func (p *patterns) rested(w *patternWatch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.rests = false
}

// pushPatterns sends what the fuzzy watches of c have to tell, one message of each at a time.
func (s *Server) pushPatterns(c *Conn) {
	for _, w := range c.patterns.due() {
		m, ok := w.Next()
		if !ok {
			continue
		}
		id := s.nextID()
		settle := func(ok bool) {
			wait := c.patterns.answered(w, ok)
			w.Done(ok)
			if wait == 0 {
				s.pushes.add(c)
				return
			}
			time.AfterFunc(wait, func() { // without a watch by then it finds nothing
				c.patterns.rested(w)
				s.pushes.add(c)
			})
		}
		if !c.ask(id, encodeWatch(id, w.Pattern.String(), m), fuzzyTimeout, settle) {
			settle(false)
		}
	}
}

func encodeWatch(id uint64, pattern string, m fuzzy.Message) []byte {
	b := requestBody(id)
	if m.Sync == "" {
		what := "CONFIG_CHANGED"
		if !m.Changes[0].Exists {
			what = "DELETE_CONFIG"
		}
		b = append(b, `,"groupKey":`...)
		b = payload.AppendString(b, groupKey(m.Changes[0].Key))
		b = append(b, `,"changeType":"`+what+`","module":"config"}`...)
		return payload.Encode("ConfigFuzzyWatchChangeNotifyRequest", "", b)
	}
	b = append(b, `,"groupKeyPattern":`...)
	b = payload.AppendString(b, pattern)
	if m.Sync != fuzzy.SyncFinish {
		b = append(b, `,"contexts":[`...)
		for i, c := range m.Changes {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"groupKey":`...)
			b = payload.AppendString(b, groupKey(c.Key))
			if c.Exists {
				b = append(b, `,"changedType":"ADD_CONFIG"}`...)
			} else {
				b = append(b, `,"changedType":"DELETE_CONFIG"}`...)
			}
		}
		b = append(b, ']')
	}
	b = append(b, `,"syncType":"`...)
	b = append(b, m.Sync...)
	b = append(b, `","totalBatch":`...)
	b = strconv.AppendInt(b, int64(m.Batches), 10)
	b = append(b, `,"currentBatch":`...)
	b = strconv.AppendInt(b, int64(m.Batch), 10)
	return payload.Encode("ConfigFuzzyWatchSyncRequest", "", append(b, `,"module":"config"}`...))
}

// parseGroupKey reads dataId+group+tenant, in which + and % are escaped.
func parseGroupKey(text string) (config.Key, bool) {
	parts := strings.Split(text, "+")
	if len(parts) != 3 && len(parts) != 2 {
		return config.Key{}, false
	}
	plain := strings.NewReplacer("%2B", "+", "%25", "%")
	n := name{dataID: plain.Replace(parts[0]), group: plain.Replace(parts[1])}
	if len(parts) == 3 {
		n.tenant = plain.Replace(parts[2])
	}
	return n.key(), true
}
