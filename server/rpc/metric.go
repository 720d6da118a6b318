package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/server/rpc/payload"
)

// metricTimeout is how long a client has to say what it holds.
const metricTimeout = 3 * time.Second

// mostMetrics is the size in bytes of the largest answer about what a client holds that is taken.
const mostMetrics = 4 << 20

// Kinds of a MetricKey.
const (
	// MetricCache asks for what the client listens with, MetricSnapshot for what it would fall back to.
	MetricCache    = "cacheData"
	MetricSnapshot = "snapshotData"
)

// MetricKey is a question to a client about one configuration.
type MetricKey struct {
	Kind string
	Key  config.Key
}

// ClientMetrics asks the client of a connection what it holds (grpc.md §5.6), and returns the metrics as it wrote
// them, a JSON object; "{}" when it had none. SDKs of Java alone know the question. It blocks until the client answered,
// for 3 s, or until ctx ends. Faults: NotFound when there is no such connection, Unavailable when it does not answer.
func (s *Server) ClientMetrics(ctx context.Context, connection string, keys []MetricKey) (json.RawMessage, error) {
	c := s.Conn(connection)
	if c == nil {
		return nil, fault.New(fault.NotFound, "no client has the connection %s", connection)
	}
	id := s.nextID()
	b := append(requestBody(id), `,"metricsKeys":[`...)
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"type":`...)
		b = payload.AppendString(b, k.Kind)
		b = append(b, `,"key":`...)
		b = payload.AppendString(b, c.spelled(k.Key))
		b = append(b, '}')
	}
	b = append(b, `],"module":"config"}`...)

	var metrics json.RawMessage
	var bad error
	answered := make(chan bool, 1)
	read := func(body []byte) { metrics, bad = readMetrics(body) }
	if !c.askFor(id, payload.Encode("ClientConfigMetricRequest", "", b), metricTimeout, read, func(ok bool) { answered <- ok }) {
		return nil, fault.New(fault.Unavailable, "the client %s does not read what it is sent", connection)
	}
	select {
	case ok := <-answered:
		switch {
		case !ok:
			return nil, fault.New(fault.Unavailable, "the client %s did not say what it holds", connection)
		case bad != nil:
			return nil, fault.Wrap(fault.Unavailable, bad, "the client %s gave an answer that can't be read", connection)
		}
		return metrics, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "the client %s did not answer in time", connection)
	}
}

// spelled returns a key as the client itself has it: without the default namespace, when it does not name that.
func (c *Conn) spelled(k config.Key) string {
	if c.Client.Tenant == "" {
		return strings.TrimSuffix(groupKey(k), "+"+resource.DefaultNamespace)
	}
	return groupKey(k)
}

// readMetrics returns a copy of the metrics in a client's answer.
func readMetrics(body []byte) (json.RawMessage, error) {
	out := json.RawMessage("{}")
	if len(body) > mostMetrics {
		return nil, errors.New("it is too large")
	}
	err := payload.Fields(body, func(field string, v payload.Value) error {
		if field == "metrics" && !v.IsNull() {
			if err := v.Fields(func(string, payload.Value) error { return nil }); err != nil {
				return err
			}
			out = append(json.RawMessage(nil), v.Bytes()...)
		}
		return nil
	})
	return out, err
}

// groupKey returns a key in the form that SDKs use among themselves (grpc.md §5): its parts with '+' between.
func groupKey(k config.Key) string {
	return groupKeyPart.Replace(k.DataID) + "+" + groupKeyPart.Replace(k.Group) + "+" + groupKeyPart.Replace(k.Namespace)
}

var groupKeyPart = strings.NewReplacer("+", "%2B", "%", "%25")
