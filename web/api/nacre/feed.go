package nacre

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/feed"
	"nacre/web/conn"
)

// feedInput says which events.
type feedInput struct {
	Since     string   `query:"since" doc:"the number of the last event that you have; 0 for all that is held, nothing for what comes from now on"`
	LastID    string   `header:"Last-Event-ID" doc:"as since, before which it counts: browsers send it when they come back to the same address"`
	Namespace string   `query:"namespace" doc:"only what is about this namespace, and the state of the server"`
	Kind      []string `query:"kind" doc:"only these kinds: config, gray, client, server, namespace, service, instance, or a whole name such as config.published"`
	Text      string   `query:"text" doc:"only what has this text in a dataId, group, variant, user, application, address or in words"`
}

const (
	mediaEvents = "text/event-stream"
	// heartbeat is how often a silent stream says that it is there, also to notice that the reader is not.
	heartbeat = 15 * time.Second
	feedBatch = 200
	// lastWords is how long a reader may take for what it is sent when the server stops.
	lastWords = time.Second
)

// feed writes the change feed as server-sent events until the reader leaves or the server stops.
func (a *api) feed(c *fiber.Ctx, in *feedInput) error {
	kinds := ""
	for _, k := range in.Kind {
		kinds += k + ","
	}
	filter, err := feed.ParseFilter(in.Namespace, kinds, in.Text)
	if err != nil {
		return err
	}
	name, from := "Last-Event-ID", in.LastID
	if from == "" {
		name, from = "since", in.Since
	}
	at := a.Feed.Last()
	if from != "" {
		if at, err = strconv.ParseUint(from, 10, 64); err != nil {
			return fault.New(fault.Invalid, "%s is %.40q, it must be the number of an event", name, from)
		}
		if at == 0 {
			at = a.Feed.First() - 1
		}
	}
	if a.Draining.Err() != nil {
		return fault.New(fault.Unavailable, "the server is stopping")
	}
	still := func() bool { return true }
	if a.Readers != nil {
		may, err := a.Readers(c)
		if err != nil {
			return err
		}
		if may != nil {
			still = may
		}
	}
	leave, err := a.Feed.Enter()
	if err != nil {
		return err
	}
	c.Status(http.StatusOK)
	c.Set(fiber.HeaderContentType, mediaEvents)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set("X-Accel-Buffering", "no")
	f, draining := a.Feed, a.Draining // what is written outlives the handler
	log := a.Log
	hurried := func() bool { return true }
	if nc, ok := conn.Of(c.Context()); ok {
		hurried = context.AfterFunc(draining, func() { nc.Hurry(lastWords) })
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer leave()
		defer hurried()
		defer func() {
			if p := recover(); p != nil { // nobody above would stop it from ending the process
				log.Error("the feed panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		stream(draining, w, f, filter, at, still)
	})
	return nil
}

// stream writes events until ctx ends, nobody reads, or the reader may not any more.
func stream(ctx context.Context, w *bufio.Writer, f *feed.Feed, filter feed.Filter, at uint64, still func() bool) {
	// The number of the beginning goes first, and with each sign of life: a reader that comes back before its first
	// event, or after many that it did not select, goes on from there.
	place := func() { w.WriteString("id: " + strconv.FormatUint(at, 10) + "\n\n") }
	w.WriteString("retry: 1000\n")
	place()
	if w.Flush() != nil {
		return
	}
	for still() {
		last := ctx.Err() != nil // that the server stops is still told
		b := f.Since(at, &filter, feedBatch)
		if b.Missed > 0 {
			w.WriteString("id: " + strconv.FormatUint(b.Next, 10) + "\nevent: gap\ndata: {\"missed\":" + strconv.FormatUint(b.Missed, 10) + "}\n\n")
		}
		for i := range b.Events {
			e := &b.Events[i]
			data, err := json.Marshal(e)
			if err != nil {
				return
			}
			w.WriteString("id: " + strconv.FormatUint(e.Seq, 10) + "\nevent: " + string(e.Kind) + "\ndata: ")
			w.Write(data)
			w.WriteString("\n\n")
		}
		if b.Missed > 0 || len(b.Events) > 0 {
			if w.Flush() != nil {
				return
			}
		}
		if last {
			return
		}
		if b.Next != at || b.Missed > 0 {
			at = b.Next
			continue
		}
		wait, cancel := context.WithTimeout(ctx, heartbeat)
		err := f.Wait(wait, at)
		cancel()
		if err != nil && ctx.Err() == nil {
			w.WriteString(": nothing new\n")
			place()
			if w.Flush() != nil {
				return
			}
		}
	}
}
