package auth

import (
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"nacre/server/fault"
)

const (
	// firstLock is how long a first lock lasts; each further one lasts twice as long, up to longestLock.
	firstLock   = time.Minute
	longestLock = time.Hour
	// forgetAfter is after how long without a failure, and without a lock, failures are forgotten.
	forgetAfter = time.Hour
	// maxGuarded is how many names, and how many addresses, are remembered; those not tried for the longest time go first.
	maxGuarded = 10_000
)

// Locked says that nobody may try for a while. It is the cause of the fault that Login answers then.
type Locked struct{ RetryAfter time.Duration }

// Error implements error.
func (l *Locked) Error() string { return fmt.Sprintf("locked for %s", l.RetryAfter) }

// RetryAfter returns how long who got err must wait, 0 when err is no lock.
func RetryAfter(err error) time.Duration {
	var l *Locked
	if errors.As(err, &l) {
		return l.RetryAfter
	}
	return 0
}

// result is how an attempt ended.
type result int

const (
	unknown result = iota // it says nothing of the password
	passed
	failed
)

func resultOf(err error) result {
	switch {
	case err == nil:
		return passed
	case fault.CodeOf(err) == CodeLogin:
		return failed
	}
	return unknown
}

// guard counts failures by a key, and locks keys that fail too often. Memory is bounded, as what is
// counted comes from outside: keys are digests, the longest unused go first.
type guard struct {
	most int // so many failures lock

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	order *list.List // of *record, the last used first
}

type record struct {
	key             [sha256.Size]byte
	failed, pending int
	locks           int
	until, last     time.Time
}

func newGuard(most int) *guard {
	return &guard{most: most, byKey: make(map[[sha256.Size]byte]*list.Element), order: list.New()}
}

// begin asks for an attempt; end must be called with how it ended. Attempts under way count as
// failures until then, so that many at once are no more guesses than one after the other.
func (g *guard) begin(key string, now time.Time) (end func(result), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.record(sha256.Sum256([]byte(key)))
	if now.Sub(r.last) > forgetAfter && now.Sub(r.until) > forgetAfter && r.pending == 0 {
		r.failed, r.locks = 0, 0
	}
	if wait := r.until.Sub(now); wait > 0 {
		return nil, locked(wait)
	}
	if r.failed+r.pending >= g.most {
		return nil, locked(time.Second)
	}
	r.pending++
	return func(how result) {
		g.mu.Lock()
		defer g.mu.Unlock()
		r.pending--
		switch how {
		case passed:
			r.failed, r.locks = 0, 0
		case failed:
			r.failed++
			r.last = now
		}
		if r.failed >= g.most {
			r.until = now.Add(min(firstLock<<min(r.locks, 10), longestLock))
			r.locks++
			r.failed = 0
		}
	}, nil
}

// record returns the record of a key, a new one when there is none. The caller holds mu.
func (g *guard) record(key [sha256.Size]byte) *record {
	if e := g.byKey[key]; e != nil {
		g.order.MoveToFront(e)
		return e.Value.(*record)
	}
	if g.order.Len() >= maxGuarded {
		e := g.order.Back()
		delete(g.byKey, g.order.Remove(e).(*record).key)
	}
	r := &record{key: key}
	g.byKey[key] = g.order.PushFront(r)
	return r
}

func locked(wait time.Duration) *fault.Error {
	wait = max(wait.Round(time.Second), time.Second)
	return fault.Wrap(fault.Limited, &Locked{wait}, "too many logins failed; try again in %s", wait).WithCode(CodeLocked)
}

// network returns what is counted of an address: of IPv6 the 64 bits that one customer has.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}

const (
	// hashCost is bcrypt's, as in Nacos: about 50 ms.
	hashCost = bcrypt.DefaultCost
	// maxPassword is how many bytes of a password bcrypt sees.
	maxPassword = 72
	// atOnce and inLine are how many passwords are hashed at once, and how many more wait.
	atOnce, inLine = 2, 16
	// dummyHash, of no password, is compared when there is no user, to take the same time.
	dummyHash = "$2a$10$Mx6Hn4rlCej2fKoDDh45XebLwVA7mNcdpEmTpiK2CDWnW95EgIWve"
)

// gate bounds the hashing of passwords, which is slow on purpose.
type gate struct {
	cost       int
	line, work chan struct{}
}

func newGate() gate {
	return gate{cost: hashCost, line: make(chan struct{}, atOnce+inLine), work: make(chan struct{}, atOnce)}
}

// enter waits for a place. The fault is Limited (CodeBusy) when too many wait already.
func (g gate) enter(ctx context.Context) (leave func(), err error) {
	busy := func() error {
		return fault.New(fault.Limited, "too many log in at this moment; try again in a second").WithCode(CodeBusy)
	}
	select {
	case g.line <- struct{}{}:
	default:
		return nil, busy()
	}
	select {
	case g.work <- struct{}{}:
		return func() { <-g.work; <-g.line }, nil
	case <-ctx.Done():
		<-g.line
		return nil, busy()
	}
}

// hash returns the hash of a password of at most maxPassword bytes.
func (g gate) hash(ctx context.Context, password string) (string, error) {
	leave, err := g.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), g.cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hash), nil
}

// same reports whether hash is of the password. A longer password than bcrypt sees is none.
func (g gate) same(ctx context.Context, hash, password string) (bool, error) {
	leave, err := g.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	cut := password[:min(len(password), maxPassword)]
	err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(cut))
	return err == nil && len(password) <= maxPassword, nil
}
