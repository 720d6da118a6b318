package v1

import (
	"errors"
	"net/url"
	"strings"

	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/resource"
	"nacre/web/api/wire"
)

// The separators of the listening string, and how many entries it may have.
const (
	wordEnd    = '\x02'
	lineEnd    = '\x01'
	maxEntries = 10_000
)

// errListening is all that a client learns about a listening string that can't be read.
var errListening = errors.New("invalid probeModify")

// listeningSet is what a poll listens to.
type listeningSet struct {
	watches []delivery.Watch
	// spelled holds the tenant word of entries that name the default namespace by one, as answers
	// repeat it; nil for most polls.
	spelled map[config.Key]string
}

// parseListening reads a listening string: entries dataId, group, md5 and perhaps tenant, their words
// ended by \x02, the last by \x01. Text after the last entry is ignored. Of an entry that is there
// twice the last one counts. refused is the parameter check's text about a name.
func parseListening(text string) (set listeningSet, refused string, err error) {
	if strings.ContainsAny(text, "%+") { // decoded once more, as Nacos does
		if text, err = url.QueryUnescape(text); err != nil {
			return set, "", errListening
		}
	}
	if wire.Blank(text) {
		return set, "", errListening
	}
	n := strings.Count(text, string(lineEnd))
	if n == 0 || n > maxEntries {
		return set, "", errListening
	}
	set.watches = make([]delivery.Watch, 0, n)
	for {
		line, rest, found := strings.Cut(text, string(lineEnd))
		if !found {
			return set.unique(), "", nil
		}
		text = rest
		refused, err = set.add(line)
		if err != nil || refused != "" {
			return listeningSet{}, refused, err
		}
	}
}

// add reads one entry.
func (s *listeningSet) add(line string) (refused string, err error) {
	dataID, rest, ok1 := strings.Cut(line, string(wordEnd))
	group, rest, ok2 := strings.Cut(rest, string(wordEnd))
	if !ok1 || !ok2 {
		return "", errListening
	}
	md5, tenant, _ := strings.Cut(rest, string(wordEnd))
	if strings.IndexByte(tenant, wordEnd) >= 0 {
		return "", errListening
	}
	if refused = resource.CheckNames(tenant, dataID, group); refused != "" {
		return refused, nil
	}
	k := config.Key{Namespace: wire.LegacyNamespace(tenant), Group: group, DataID: dataID}
	s.watches = append(s.watches, delivery.Watch{Key: k, MD5: md5})
	if word := strings.TrimSpace(tenant); word != "" && wire.LegacyTenant(k.Namespace) == "" {
		if s.spelled == nil {
			s.spelled = make(map[config.Key]string)
		}
		s.spelled[k] = word
	} else {
		delete(s.spelled, k)
	}
	return "", nil
}

// unique drops all but the last of entries with the same key.
func (s listeningSet) unique() listeningSet {
	if len(s.watches) < 2 {
		return s
	}
	at := make(map[config.Key]int, len(s.watches))
	kept := s.watches[:0]
	for _, w := range s.watches {
		if i, had := at[w.Key]; had {
			kept[i] = w
			continue
		}
		at[w.Key] = len(kept)
		kept = append(kept, w)
	}
	s.watches = kept
	return s
}

// keys returns the keys of the watches at those places.
func (s *listeningSet) keys(at []int) []config.Key {
	out := make([]config.Key, len(at))
	for i, j := range at {
		out[i] = s.watches[j].Key
	}
	return out
}

// tenantOf returns the tenant word of an answer about k: the one that the entry had, "" for none.
func (s *listeningSet) tenantOf(k config.Key) string {
	if word, ok := s.spelled[k]; ok {
		return word
	}
	return wire.LegacyTenant(k.Namespace)
}

// encodeChanged returns the keys as the answer of a long poll has them, without the line end.
func (s *listeningSet) encodeChanged(keys []config.Key) string {
	var b strings.Builder
	for _, k := range keys {
		encodeKey(&b, k, s.tenantOf(k))
	}
	return b.String()
}

func encodeKey(b *strings.Builder, k config.Key, tenant string) {
	b.WriteString(url.QueryEscape(k.DataID))
	b.WriteString("%02")
	b.WriteString(url.QueryEscape(k.Group))
	if tenant != "" {
		b.WriteString("%02")
		b.WriteString(url.QueryEscape(tenant))
	}
	b.WriteString("%01")
}

// encodeOne returns the body of the answer to a poll of which one key changed.
func encodeOne(k config.Key, tenant string) []byte {
	var b strings.Builder
	b.Grow(len(k.DataID) + len(k.Group) + len(tenant) + 16)
	encodeKey(&b, k, tenant)
	b.WriteByte('\n')
	return []byte(b.String())
}

// encodePlain is encodeOne for polls that spell the default namespace with no word.
func encodePlain(k config.Key) []byte { return encodeOne(k, wire.LegacyTenant(k.Namespace)) }

// encodeOld returns the keys as the oldest clients read them in a header.
func encodeOld(keys []config.Key) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k.DataID + ":" + k.Group + ";")
	}
	return b.String()
}
