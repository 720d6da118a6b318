package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nacre/server/feed"
)

// WatchCmd prints the change feed of a server.
type WatchCmd struct {
	Since     string `placeholder:"N" help:"Begin after the event with this number; 0 for all that the server still holds. Without it: from now on."`
	Namespace string `placeholder:"ID" help:"Only what is about this namespace (the default one is public), and the state of the server."`
	Kind      string `placeholder:"KIND,…" help:"Only these kinds: config, gray, client, server, namespace, service, instance, or a whole name such as config.published."`
	Text      string `help:"Only what has this text in a dataId, group, variant, user, application or address, or in its words."`
	JSON      bool   `name:"json" help:"Print each event as one line of JSON; seq is its number."`
	Count     int    `placeholder:"N" help:"End after so many events."`
	serverFlags

	pace watchPace
}

// watchPace says how long watch waits; tests change it.
type watchPace struct {
	// first and most are before another attempt, twice as long each time.
	first, most time.Duration
	// silence is after how long without a sign of the server a stream is given up; the server gives one every 15 s.
	silence time.Duration
}

// Help implements kong.HelpProvider.
func (*WatchCmd) Help() string {
	return `Prints a line for each event until it is interrupted. When the connection is lost it comes back and goes on after the last event that was printed, so that each is printed once, in order. Where the server does not hold some of them any more, it says how many, on standard error, or with --json in a line of its own with the kind gap.

Exit codes: 0 interrupted or --count reached, 1 failed, 2 wrong usage.`
}

// Run implements the command.
func (c *WatchCmd) Run(env *Env) error {
	if _, err := strconv.ParseUint(c.Since, 10, 64); c.Since != "" && err != nil {
		return Usage("--since is %q, it must be the number of an event", c.Since)
	}
	if _, err := feed.ParseFilter(c.Namespace, c.Kind, c.Text); err != nil {
		return Usage("%v", err)
	}
	if c.pace == (watchPace{}) {
		c.pace = watchPace{first: 500 * time.Millisecond, most: 5 * time.Second, silence: 45 * time.Second}
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	server.http.Transport.(*http.Transport).ResponseHeaderTimeout = 30 * time.Second
	w := &watching{WatchCmd: c, env: env, server: server, at: c.Since}
	err = w.run(env.Context())
	if w.at != "" && w.at != c.Since && !c.JSON {
		fmt.Fprintf(env.Stderr, "to go on from here: --since %s\n", w.at)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends a watch that printed what --count says.
var errEnough = errors.New("enough events were printed")

// outputError says that nobody takes what is printed.
type outputError struct{ error }

// Unwrap returns why.
func (e *outputError) Unwrap() error { return e.error }

// watching is one watch under way.
type watching struct {
	*WatchCmd
	env    *Env
	server *client
	// at is the number to go on from, "" when none is known yet.
	at   string
	seen int
	// connected says that the server answered the last attempt, ever that it did once.
	connected, ever bool
}

// run reads one stream after the other until ctx ends, which is no error, or there is no use in going on.
func (w *watching) run(ctx context.Context) error {
	pause := w.pace.first
	for {
		w.connected = false
		err := w.stream(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !w.ever || lasting(err) {
			return err
		}
		if w.connected {
			pause = w.pace.first
			fmt.Fprintf(w.env.Stderr, "the connection to %s was lost, trying again\n", w.server.base)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, w.pace.most)
	}
}

// lasting reports whether another attempt would end in the same way.
func lasting(err error) bool {
	var out *outputError
	var refused *apiError
	if errors.As(err, &refused) {
		return refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests
	}
	return errors.As(err, &out) || errors.Is(err, errEnough)
}

// stream prints what one stream brings, until it breaks.
func (w *watching) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query := url.Values{}
	for name, value := range map[string]string{"since": w.at, "namespace": w.Namespace, "kind": w.Kind, "text": w.Text} {
		if value != "" {
			query.Set(name, value)
		}
	}
	answer, err := w.server.send(ctx, http.MethodGet, "/feed", query, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	w.connected, w.ever = true, true
	silent := time.AfterFunc(w.pace.silence, cancel)
	defer silent.Stop()
	in := newSSEReader(answer.Body, func() { silent.Reset(w.pace.silence) })
	for {
		e, err := in.next()
		if err != nil {
			return err
		}
		if err := w.print(e); err != nil {
			return err
		}
		if e.ID != "" {
			w.at = e.ID
		}
		if w.Count > 0 && w.seen >= w.Count {
			return errEnough
		}
	}
}

func (w *watching) print(e serverSent) error {
	switch {
	case e.Data == "":
		return nil // it only says where the stream is
	case e.Name == "gap":
		return w.printGap(e.Data)
	}
	w.seen++
	if w.JSON {
		return w.line(e.Data)
	}
	var ev feed.Event
	if err := json.Unmarshal([]byte(e.Data), &ev); err != nil {
		return fmt.Errorf("an event of %s is not what Nacre sends: %w", w.server.base, err)
	}
	return w.line(describeEvent(&ev))
}

func (w *watching) printGap(data string) error {
	var gap struct{ Missed uint64 }
	if err := json.Unmarshal([]byte(data), &gap); err != nil {
		return fmt.Errorf("an event of %s is not what Nacre sends: %w", w.server.base, err)
	}
	if w.JSON {
		return w.line(fmt.Sprintf(`{"kind":"gap","missed":%d}`, gap.Missed))
	}
	fmt.Fprintf(w.env.Stderr, "events are missing here, %d or more: the server does not hold them any more\n", gap.Missed)
	return nil
}

func (w *watching) line(text string) error {
	if _, err := fmt.Fprintln(w.env.Stdout, text); err != nil {
		return &outputError{err}
	}
	return nil
}

// describeEvent words an event in a line.
func describeEvent(e *feed.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-16s", time.UnixMilli(e.AtMs).Format("2006-01-02 15:04:05.000"), e.Kind)
	part := func(show bool, format string, args ...any) {
		if show {
			fmt.Fprintf(&b, "  "+format, args...)
		}
	}
	part(e.DataID != "", "%s/%s/%s", e.Namespace, e.Group, e.DataID)
	part(e.Gray != "", "variant %s", e.Gray)
	part(e.Revision > 0, "revision %d", e.Revision)
	part(e.Kind == feed.ConfigInSync, "%d of %d have it", e.InSync, e.Listeners)
	part(e.User != "", "by %s", e.User)
	part(e.IP != "", "from %s", e.IP)
	part(e.ClientID != "", "client %s", e.ClientID)
	part(e.App != "", "of %s", e.App)
	part(e.SDK != "", "with %s", e.SDK)
	part(e.Text != "", "%s", e.Text)
	return display(b.String())
}
