package console

import (
	"sync"
	"time"

	"nacre/server/clock"
)

// Limits of the files that wait for a person to say yes.
const (
	maxUploads     = 16
	maxUploadBytes = 64 << 20
	uploadLife     = 15 * time.Minute
)

// upload is a file that was sent and not imported yet.
type upload struct {
	id, name, user, ns string
	content            []byte
	at                 time.Time
}

// uploads keeps files between the page that says what they would change and the yes. A person has one at a time.
type uploads struct {
	mu   sync.Mutex
	held []*upload // the oldest first
}

// add keeps u; false when too many are held.
func (s *uploads) add(c clock.Clock, u *upload) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.at = c.Now()
	size := len(u.content)
	kept := s.held[:0]
	for _, h := range s.held {
		if h.user != u.user && u.at.Sub(h.at) < uploadLife {
			kept = append(kept, h)
			size += len(h.content)
		}
	}
	clear(s.held[len(kept):])
	s.held = kept
	if len(kept) == maxUploads || size > maxUploadBytes {
		return false
	}
	s.held = append(s.held, u)
	return true
}

// get returns the file with this id that user sent, nil when there is none any more. With take it is not held any longer.
func (s *uploads) get(c clock.Clock, id, user string, take bool) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.held {
		if h.id != id || h.user != user || c.Now().Sub(h.at) >= uploadLife {
			continue
		}
		if take {
			s.held = append(s.held[:i:i], s.held[i+1:]...)
		}
		return h
	}
	return nil
}
