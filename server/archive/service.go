package archive

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"nacre/server/auth"
	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// Config is what a Service works on.
type Config struct {
	Configs    *config.Service
	Namespaces *namespace.Service
	Users      *auth.Service
	Naming     *naming.Registry
	Clock      clock.Clock
	// Read gives visit everything as it is at one revision, configurations before their history, and returns the revision.
	Read func(ctx context.Context, visit func(journal.Change)) (uint64, error)
	// Unit is what the storage can tell apart of times of configurations: Milliseconds or Seconds.
	Unit int64
	// Version is that of this build, Dir where an archive is kept until it is sent.
	Version, Dir string
}

// Service makes archives of what a server has and takes others over. It is safe for concurrent use.
type Service struct {
	cfg    Config
	making sync.Mutex

	mu      sync.Mutex
	tickets map[string]*ticket
}

type ticket struct {
	user string
	used time.Time
}

const (
	// ticketLife is how long a ticket lasts unused; maxTickets is how many there may be.
	ticketLife = 10 * time.Minute
	maxTickets = 32
)

// New returns a service.
func New(c Config) *Service { return &Service{cfg: c, tickets: make(map[string]*ticket)} }

// Unit is what this server can tell apart of times of configurations, in ms.
func (s *Service) Unit() int64 { return s.cfg.Unit }

// Open returns a ticket for an administrator with this password, or, while there is no user, for who has the token of the
// link at which the first one is made. It lasts while it is used, on this node and in this process alone. Faults: Denied, and those of auth's Login.
func (s *Service) Open(ctx context.Context, name, password, setUp, ip string) (string, error) {
	if setUp != "" {
		if err := s.cfg.Users.CheckSetUp(setUp); err != nil {
			return "", err
		}
		return s.issue("set-up")
	}
	u, err := s.cfg.Users.Check(ctx, name, password, ip)
	if err != nil {
		return "", err
	}
	if !u.Is(auth.RoleAdmin) {
		return "", fault.New(fault.Denied, "the user %q is no administrator; what moves everything, passwords included, needs one", u.Name)
	}
	return s.issue(u.Name)
}

func (s *Service) issue(user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now()
	for text, t := range s.tickets {
		if now.Sub(t.used) > ticketLife {
			delete(s.tickets, text)
		}
	}
	if len(s.tickets) >= maxTickets {
		return "", fault.New(fault.Limited, "%d exports and imports are under way, the most that may be; try again later", len(s.tickets))
	}
	text := rand.Text()
	s.tickets[text] = &ticket{user, now}
	return text, nil
}

// Holder returns whose ticket this is. Fault: Denied when there is no such ticket, or no longer.
func (s *Service) Holder(text string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, now := s.tickets[text], s.cfg.Clock.Now()
	if t == nil || now.Sub(t.used) > ticketLife {
		return "", fault.New(fault.Denied, "the ticket is not one of this node, or has ended; begin anew, and talk to one node")
	}
	t.used = now
	return t.user, nil
}

// Done ends a ticket.
func (s *Service) Done(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tickets, text)
}

// made is an archive in a file that has no name any more.
type made struct{ *os.File }

// Make writes an archive to a file and returns it with its size: who is slow to read it holds up nothing. Close it. Faults: Limited
// while another one is made, Unavailable when the database can't be read or the disk has no room.
func (s *Service) Make(ctx context.Context) (_ io.ReadCloser, size int64, err error) {
	if !s.making.TryLock() {
		return nil, 0, fault.New(fault.Limited, "another export of everything is being made; try again when it is done")
	}
	defer s.making.Unlock()
	f, err := os.CreateTemp(s.cfg.Dir, ".nacre-export-*")
	if err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, err, "the export can't be written: %v", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, err
	}
	if err := s.write(ctx, f); err != nil {
		return nil, 0, err
	}
	if size, err = f.Seek(0, io.SeekEnd); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, err
	}
	return made{f}, size, nil
}

// write writes an archive.
func (s *Service) write(ctx context.Context, f io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := NewWriter(f, Header{MadeMs: clock.Millis(s.cfg.Clock), Server: s.cfg.Version})
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the export can't be written: %v", err)
	}
	var failed error
	add := func(c journal.Change) {
		if failed == nil {
			if failed = w.Add(c); failed != nil {
				cancel()
			}
		}
	}
	type id struct {
		gray bool
		id   int64
	}
	held := make(map[id]struct{})
	var users []journal.Change
	w.Revision, err = s.cfg.Read(ctx, func(c journal.Change) {
		switch c := c.(type) {
		case config.EntryChange:
			held[id{false, c.After.ID}] = struct{}{}
		case config.GrayChange:
			held[id{true, c.After.ID}] = struct{}{}
		case config.HistoryAdded:
			if _, ok := held[id{c.Row.PublishType == config.PublishGray, c.Row.ConfigID}]; !ok {
				c.Row.ConfigID = 0
			}
		case UserRow:
			users = append(users, c) // they come last: who moves them in may lose the right to go on
			return
		}
		add(c)
	})
	for _, u := range users {
		add(u)
	}
	if failed == nil && err != nil {
		return err
	}
	if failed == nil {
		failed = w.Close()
	}
	if failed != nil {
		return fault.Wrap(fault.Unavailable, failed, "the export can't be written: %v", failed)
	}
	return nil
}

// nameOf names what a change is of, for messages.
func nameOf(c journal.Change) string {
	switch c := c.(type) {
	case config.EntryChange:
		return c.After.Key.String()
	case config.GrayChange:
		return c.After.Key.String() + " " + c.After.Name
	case config.HistoryAdded:
		return fmt.Sprintf("%s revision %d", c.Row.Key, c.Row.Revision)
	case config.CapacityChange:
		if c.After.Namespace == "" {
			return "group " + c.After.Group
		}
		return c.After.Namespace
	case namespace.Change:
		return c.After.ID
	case UserRow:
		return c.After.Name
	case naming.InstanceChange:
		return fmt.Sprintf("%s %s:%d", c.After.Key, c.After.Instance.IP, c.After.Instance.Port)
	case naming.ServiceChange:
		return c.After.Key.String()
	case naming.ClusterChange:
		return c.After.Key.String() + " " + c.After.Name
	case naming.OverrideChange:
		return fmt.Sprintf("%s %s:%d", c.After.Key, c.After.Of.IP, c.After.Of.Port)
	case naming.SwitchChange:
		return c.After.Entry
	}
	return ""
}
