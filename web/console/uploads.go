package console

import (
	"slices"
	"sync"
	"time"

	"nacre/server/clock"
	"nacre/server/config/transfer"
)

// Limits of the files that wait for a person to say yes.
const (
	maxUploads     = 16
	maxUploadBytes = 64 << 20
	uploadLife     = 15 * time.Minute
)

// upload is a file that was sent, and then what became of it.
type upload struct {
	id, name, session, ns string
	at                    time.Time
	content               []byte // nil once it is imported
	forget                *time.Timer

	// taken says that it is being imported or was; report and err are what came of it, when done.
	taken, done bool
	report      transfer.Report
	err         error
}

// uploads keeps files between the page that says what they would change and the one that says what was done. A session has one at a time.
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
	s.held = slices.DeleteFunc(s.held, func(h *upload) bool {
		gone := h.session == u.session || u.at.Sub(h.at) >= uploadLife
		if gone {
			h.forget.Stop()
		} else {
			size += len(h.content)
		}
		return gone
	})
	if len(s.held) == maxUploads || size > maxUploadBytes {
		return false
	}
	u.forget = time.AfterFunc(uploadLife, func() { s.drop(u) })
	s.held = append(s.held, u)
	return true
}

func (s *uploads) drop(u *upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = slices.DeleteFunc(s.held, func(h *upload) bool { return h == u })
}

// get returns the file with this id that was sent in session as it is at this moment, nil when there is none any more.
func (s *uploads) get(c clock.Clock, id, session string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.find(c, id, session); u != nil {
		now := *u
		return &now
	}
	return nil
}

func (s *uploads) find(c clock.Clock, id, session string) *upload {
	for _, u := range s.held {
		if u.id == id && u.session == session && c.Now().Sub(u.at) < uploadLife {
			return u
		}
	}
	return nil
}

// take returns the file for being imported; nil when it is not there, or somebody took it before.
func (s *uploads) take(c clock.Clock, id, session string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.find(c, id, session)
	if u == nil || u.taken {
		return nil
	}
	u.taken = true
	return u
}

// finish keeps what became of a file that was taken, and no longer the file.
func (s *uploads) finish(u *upload, report transfer.Report, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.done, u.report, u.err, u.content = true, report, err, nil
}
