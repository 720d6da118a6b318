//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Enabled says whether this build has failpoints.
const Enabled = true

type point struct {
	action string
	sleep  time.Duration
	at     uint64 // the passage that counts; 0: each
	every  uint64 // each so manyth passage counts; 0: each
	passed atomic.Uint64
}

var points = sync.OnceValue(func() map[string]*point {
	m, err := parse(os.Getenv("NACRE_FAILPOINTS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "NACRE_FAILPOINTS:", err)
		os.Exit(2)
	}
	return m
})

// Inject does what NACRE_FAILPOINTS says for name. It returns an error where the action is "error".
func Inject(name string) error {
	p := points()[name]
	if p == nil {
		return nil
	}
	if n := p.passed.Add(1); p.at != 0 && n != p.at || p.every != 0 && n%p.every != 0 {
		return nil
	}
	switch p.action {
	case "exit":
		// A signal, not os.Exit: no deferred call and no flush may run.
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "panic":
		panic("failpoint " + name)
	case "error":
		return fmt.Errorf("failpoint %s", name)
	}
	time.Sleep(p.sleep)
	return nil
}

func parse(text string) (map[string]*point, error) {
	m := map[string]*point{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		name, action, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q has no action; write name=action", part)
		}
		p := &point{}
		if before, at, ok := strings.Cut(action, "@"); ok {
			n, err := strconv.ParseUint(at, 10, 64)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("%q: %q is not the number of a passage", part, at)
			}
			action, p.at = before, n
		}
		if before, every, ok := strings.Cut(action, "%"); ok {
			n, err := strconv.ParseUint(every, 10, 64)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("%q: %q is not a number of passages", part, every)
			}
			action, p.every = before, n
		}
		if d, ok := strings.CutPrefix(action, "sleep:"); ok {
			sleep, err := time.ParseDuration(d)
			if err != nil {
				return nil, fmt.Errorf("%q: %q is not a duration", part, d)
			}
			action, p.sleep = "sleep", sleep
		}
		switch action {
		case "exit", "panic", "error", "sleep":
		default:
			return nil, fmt.Errorf("%q: the action is %q; it can be exit, panic, error or sleep:DURATION", part, action)
		}
		p.action = action
		m[name] = p
	}
	return m, nil
}
