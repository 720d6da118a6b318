package rpc

import (
	"strings"

	"nacre/server/fuzzy"
	"nacre/server/naming"
	"nacre/server/resource"
	"nacre/server/rpc/payload"
)

// newServiceWatching returns how names of services are watched (grpc.md §6.4).
func newServiceWatching(s *Server) *watching[naming.Key] {
	return &watching[naming.Key]{
		request: "NamingFuzzyWatchRequest",
		watched: reply{b: payload.Encode("NamingFuzzyWatchResponse", "", []byte(okBody))},
		strict:  true,
		of:      func(c *Conn) *patterns[naming.Key] { return &c.services },
		watch: func(p fuzzy.Pattern, known []naming.Key, initial bool, notify func()) (*fuzzy.Watch[naming.Key], bool, error) {
			return s.cfg.Naming.Watch(p, known, initial, notify)
		},
		parse: parseServiceKey, encode: encodeServiceWatch,
	}
}

var serviceChanges = changeWords[naming.Key]{keyField: "serviceKey", added: "ADD_SERVICE", removed: "DELETE_SERVICE", appendKey: func(b []byte, k naming.Key) []byte {
	return payload.AppendString(b, k.Namespace+resource.GroupSeparator+k.Grouped())
}}

func encodeServiceWatch(id uint64, pattern string, m fuzzy.Message[naming.Key]) []byte {
	b := requestBody(id)
	if m.Sync == "" {
		b = serviceChanges.change(append(b, `,"syncType":"FUZZY_WATCH_RESOURCE_CHANGED",`...), m.Changes[0], "changedType")
		return payload.Encode("NamingFuzzyWatchChangeNotifyRequest", "", append(b, `,"module":"naming"}`...))
	}
	if m.Sync == fuzzy.SyncFinish { // unlike of configurations it counts as a message
		m.Batch, m.Batches = 1, 1
	}
	b = appendBatch(serviceChanges.contexts(b, m.Changes), m.Sync, pattern, m.Batch, m.Batches)
	return payload.Encode("NamingFuzzyWatchSyncRequest", "", append(b, `,"module":"naming"}`...))
}

// parseServiceKey reads namespace@@group@@service.
func parseServiceKey(text string) (naming.Key, bool) {
	parts := strings.Split(text, resource.GroupSeparator)
	if len(parts) != 3 {
		return naming.Key{}, false
	}
	n := serviceName{namespace: parts[0], group: parts[1], service: parts[2]}
	return n.key(), true
}
