package rpc

import (
	"strings"

	"nacre/server/config"
	"nacre/server/fuzzy"
	"nacre/server/rpc/payload"
)

// newConfigWatching returns how names of configurations are watched (grpc.md §5.7).
func newConfigWatching(s *Server) *watching[config.Key] {
	return &watching[config.Key]{
		request: "ConfigFuzzyWatchRequest",
		watched: reply{b: payload.Encode("ConfigFuzzyWatchResponse", "", []byte(okBody))},
		of:      func(c *Conn) *patterns[config.Key] { return &c.configs },
		watch: func(p fuzzy.Pattern, known []config.Key, initial bool, notify func()) (*fuzzy.Watch[config.Key], bool, error) {
			return s.cfg.Fuzzy.Watch(p, known, initial, s.cfg.Configs.EachName, notify)
		},
		parse: parseGroupKey, encode: encodeConfigWatch,
	}
}

func appendGroupKey(b []byte, k config.Key) []byte { return payload.AppendString(b, groupKey(k)) }

var (
	configContexts = changeWords[config.Key]{keyField: "groupKey", added: "ADD_CONFIG", removed: "DELETE_CONFIG", appendKey: appendGroupKey}
	configChanges  = changeWords[config.Key]{keyField: "groupKey", added: "CONFIG_CHANGED", removed: "DELETE_CONFIG", appendKey: appendGroupKey}
)

func encodeConfigWatch(id uint64, pattern string, m fuzzy.Message[config.Key]) []byte {
	b := requestBody(id)
	if m.Sync == "" {
		b = configChanges.change(append(b, ','), m.Changes[0], "changeType")
		return payload.Encode("ConfigFuzzyWatchChangeNotifyRequest", "", append(b, `,"module":"config"}`...))
	}
	if m.Sync != fuzzy.SyncFinish {
		b = configContexts.contexts(b, m.Changes)
	}
	b = appendBatch(b, m.Sync, pattern, m.Batch, m.Batches)
	return payload.Encode("ConfigFuzzyWatchSyncRequest", "", append(b, `,"module":"config"}`...))
}

// parseGroupKey reads dataId+group+tenant, in which + and % are escaped.
func parseGroupKey(text string) (config.Key, bool) {
	parts := strings.Split(text, "+")
	if len(parts) != 3 && len(parts) != 2 {
		return config.Key{}, false
	}
	plain := strings.NewReplacer("%2B", "+", "%25", "%")
	n := name{dataID: plain.Replace(parts[0]), group: plain.Replace(parts[1])}
	if len(parts) == 3 {
		n.tenant = plain.Replace(parts[2])
	}
	return n.key(), true
}
