package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	Namespace string `placeholder:"ID" help:"Only what is about this namespace."`
	Kind      string `placeholder:"KIND,…" help:"Only these kinds: config, gray, client, server, or a whole name such as config.published."`
	Text      string `help:"Only what has this text in a dataId, group, user, application or address."`
	JSON      bool   `name:"json" help:"Print each event as one line of JSON."`
	Count     int    `placeholder:"N" help:"End after so many events."`
	serverFlags
}

// Help implements kong.HelpProvider.
func (*WatchCmd) Help() string {
	return `Prints a line for each event until it is interrupted. When the connection is lost it comes back and goes on after the last event that was printed; events that the server no longer holds by then are counted in a line of their own.

Exit codes: 0 interrupted or --count reached, 1 failed, 2 wrong usage.`
}

// Run implements the command.
func (c *WatchCmd) Run(env *Env) error {
	if _, err := feed.ParseFilter(c.Namespace, c.Kind, c.Text); err != nil {
		return Usage("%v", err)
	}
	if _, err := strconv.ParseUint(c.Since, 10, 64); c.Since != "" && err != nil {
		return Usage("--since is %q, it must be the number of an event", c.Since)
	}
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	server.http.Transport.(*http.Transport).ResponseHeaderTimeout = 30 * time.Second
	w := &watcher{WatchCmd: c, out: env.Stdout, last: c.Since}
	for try := 0; ; try++ {
		got := w.seen
		err := w.read(env.Context(), server)
		var refused *apiError
		switch {
		case env.Context().Err() != nil, errors.Is(err, errEnough):
			return nil
		case errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable:
			return err
		case w.seen == 0 && w.last == c.Since && try == 0 && err != nil && !w.connected:
			return err // it was never there
		case w.seen > got:
			try = 0
		}
		fmt.Fprintf(env.Stderr, "nacre: the connection to %s was lost, trying again\n", server.base)
		select {
		case <-env.Context().Done():
			return nil
		case <-time.After(min(time.Duration(try+1)*500*time.Millisecond, 5*time.Second)):
		}
	}
}

var errEnough = errors.New("enough events were printed")

// silence is how long the server may send nothing: it says that it is there every 15 s.
const silence = 45 * time.Second

// watcher prints events, across connections.
type watcher struct {
	*WatchCmd
	out       io.Writer
	last      string // number of the last event, "" for none yet
	seen      int
	connected bool
}

// read prints events of one connection until it ends.
func (w *watcher) read(ctx context.Context, server *client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	query := url.Values{}
	for name, value := range map[string]string{"since": w.last, "namespace": w.Namespace, "kind": w.Kind, "text": w.Text} {
		if value != "" {
			query.Set(name, value)
		}
	}
	answer, err := server.send(ctx, http.MethodGet, "/feed", query, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	w.connected = true
	var id, name string
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, 64<<10), 1<<20)
	for lines.Scan() {
		quiet.Reset(silence)
		field, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(field) {
		case "id":
			id = string(value)
		case "event":
			name = string(value)
		case "data":
			if err := w.print(name, value); err != nil {
				return err
			}
			w.last = id
			if w.Count > 0 && w.seen >= w.Count {
				return errEnough
			}
		}
	}
	return lines.Err()
}

// print prints one event.
func (w *watcher) print(name string, data []byte) error {
	if name == "gap" {
		var gap struct{ Missed uint64 }
		if err := json.Unmarshal(data, &gap); err != nil {
			return err
		}
		if w.JSON {
			_, err := fmt.Fprintf(w.out, "{\"kind\":\"gap\",\"missed\":%d}\n", gap.Missed)
			return err
		}
		_, err := fmt.Fprintf(w.out, "… at least %d events are missing: the server does not hold them any more\n", gap.Missed)
		return err
	}
	w.seen++
	if w.JSON {
		_, err := fmt.Fprintf(w.out, "%s\n", data)
		return err
	}
	var e feed.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("the server sent an event that can't be read: %w", err)
	}
	_, err := fmt.Fprintln(w.out, line(&e))
	return err
}

// line words an event for people.
func line(e *feed.Event) string {
	var b strings.Builder
	b.WriteString(time.UnixMilli(e.AtMs).Format("15:04:05.000"))
	fmt.Fprintf(&b, "  %-16s", e.Kind)
	if e.DataID != "" {
		fmt.Fprintf(&b, " %s/%s/%s", e.Namespace, e.Group, e.DataID)
	}
	if e.Gray != "" {
		fmt.Fprintf(&b, " variant %s", e.Gray)
	}
	if e.Kind == feed.ConfigInSync {
		fmt.Fprintf(&b, " %d of %d have it", e.InSync, e.Listeners)
	}
	if e.ClientID != "" {
		fmt.Fprintf(&b, " client %s", e.ClientID)
	}
	for _, x := range [...]struct{ name, value string }{{"app", e.App}, {"sdk", e.SDK}, {"by", by(e)}, {"md5", e.MD5}} {
		if x.value != "" {
			fmt.Fprintf(&b, " %s %s", x.name, x.value)
		}
	}
	if e.Revision > 0 {
		fmt.Fprintf(&b, " revision %d", e.Revision)
	}
	if e.Text != "" {
		b.WriteString(" " + e.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

func by(e *feed.Event) string {
	switch {
	case e.User == "":
		return e.IP
	case e.IP == "":
		return e.User
	}
	return e.User + " at " + e.IP
}
