package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// Kind names a kind of rows.
type Kind string

// The kinds, in the order in which tables show them.
const (
	Configs    Kind = "config"
	Grays      Kind = "gray"
	History    Kind = "history"
	Limits     Kind = "quota"
	Namespaces Kind = "namespace"
	Users      Kind = "user"
	Instances  Kind = "instance"
	Services   Kind = "service"
	Clusters   Kind = "cluster"
	Overrides  Kind = "override"
	Switches   Kind = "switch"
)

// Kinds are all kinds, in the order in which tables show them.
var Kinds = []Kind{Configs, Grays, History, Limits, Namespaces, Users, Instances, Services, Clusters, Overrides, Switches}

// UserRow is the change that makes a user.
type UserRow = auth.UserChange

// blob is bytes that stand as text where they are text, and as base64 where they are not or where that is shorter.
type blob []byte

// MarshalJSON implements json.Marshaler.
func (b blob) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		if text, err := marshal(string(b)); err != nil || len(text) <= 16+len(b)*4/3 {
			return text, err
		}
	}
	return json.Marshal(struct {
		Base64 []byte `json:"base64"`
	}{b})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *blob) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var s string
		err := json.Unmarshal(text, &s)
		*b = blob(s)
		return err
	}
	var coded struct {
		Base64 *string `json:"base64"`
	}
	if err := strict(text, &coded); err != nil {
		return err
	}
	if coded.Base64 == nil {
		return fmt.Errorf("content is neither text nor base64")
	}
	raw, err := base64.StdEncoding.DecodeString(*coded.Base64)
	*b = raw
	return err
}

// The rows of configurations. Those of the registry are the domain's own structs, as they stand in the database.
type (
	keyRow struct {
		Namespace string `json:"namespace"`
		Group     string `json:"group"`
		DataID    string `json:"dataId"`
	}
	configRow struct {
		keyRow
		Content          blob     `json:"content"`
		MD5              string   `json:"md5"`
		Type             string   `json:"type"`
		AppName          string   `json:"appName"`
		Tags             []string `json:"tags,omitempty"`
		Desc             *string  `json:"desc"`
		Use              *string  `json:"use"`
		Effect           *string  `json:"effect"`
		Schema           *string  `json:"schema"`
		EncryptedDataKey string   `json:"encryptedDataKey,omitempty"`
		SrcUser          string   `json:"srcUser"`
		SrcIP            string   `json:"srcIp"`
		CreatedMs        int64    `json:"createdMs"`
		ModifiedMs       int64    `json:"modifiedMs"`
		Revision         uint64   `json:"revision"`
	}
	grayRow struct {
		keyRow
		Name             string      `json:"name"`
		Rule             config.Rule `json:"rule"`
		Content          blob        `json:"content"`
		MD5              string      `json:"md5"`
		AppName          string      `json:"appName"`
		EncryptedDataKey string      `json:"encryptedDataKey,omitempty"`
		SrcUser          string      `json:"srcUser"`
		SrcIP            string      `json:"srcIp"`
		CreatedMs        int64       `json:"createdMs"`
		ModifiedMs       int64       `json:"modifiedMs"`
		Revision         uint64      `json:"revision"`
	}
	historyRow struct {
		keyRow
		// Held says that the row tells of what is held under its key, not of one that was there before.
		Held             bool   `json:"held,omitempty"`
		Revision         uint64 `json:"revision"`
		Content          blob   `json:"content"`
		MD5              string `json:"md5"`
		AppName          string `json:"appName"`
		EncryptedDataKey string `json:"encryptedDataKey,omitempty"`
		SrcUser          string `json:"srcUser"`
		SrcIP            string `json:"srcIp"`
		Op               string `json:"op"`
		PublishType      string `json:"publishType"`
		GrayName         string `json:"grayName,omitempty"`
		ExtInfo          string `json:"extInfo,omitempty"`
		CreatedMs        int64  `json:"createdMs"`
		ModifiedMs       int64  `json:"modifiedMs"`
	}
	quotaRow struct {
		Namespace    string `json:"namespace,omitempty"`
		Group        string `json:"group,omitempty"`
		Quota        int64  `json:"quota"`
		MaxSize      int64  `json:"maxSize"`
		MaxAggrCount int64  `json:"maxAggrCount"`
		MaxAggrSize  int64  `json:"maxAggrSize"`
		CreatedMs    int64  `json:"createdMs"`
		ModifiedMs   int64  `json:"modifiedMs"`
	}
	namespaceRow struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Desc       string `json:"desc"`
		CreatedMs  int64  `json:"createdMs"`
		ModifiedMs int64  `json:"modifiedMs"`
	}
	userRow struct {
		Name       string   `json:"name"`
		Hash       string   `json:"hash"`
		Roles      []string `json:"roles"`
		CreatedMs  int64    `json:"createdMs"`
		ModifiedMs int64    `json:"modifiedMs"`
	}
)

func keyOf(k config.Key) keyRow { return keyRow{k.Namespace, k.Group, k.DataID} }

func (k keyRow) key() config.Key {
	return config.Key{Namespace: k.Namespace, Group: k.Group, DataID: k.DataID}
}

// rowOf returns the row of a change with After alone, and its kind.
func rowOf(c journal.Change) (Kind, any) {
	switch c := c.(type) {
	case config.EntryChange:
		e := c.After
		return Configs, &configRow{
			keyOf(e.Key), e.Content, e.MD5, e.Type, e.AppName, e.Tags, e.Desc, e.Use, e.Effect, e.Schema, e.EncryptedDataKey, e.SrcUser, e.SrcIP,
			e.CreatedMs, e.ModifiedMs, e.Revision,
		}
	case config.GrayChange:
		g := c.After
		return Grays, &grayRow{
			keyOf(g.Key), g.Name, g.Rule, g.Content, g.MD5, g.AppName, g.EncryptedDataKey, g.SrcUser, g.SrcIP, g.CreatedMs, g.ModifiedMs, g.Revision,
		}
	case config.HistoryAdded:
		h := c.Row
		return History, &historyRow{
			keyOf(h.Key), h.ConfigID != 0, h.Revision, h.Content, h.MD5, h.AppName, h.EncryptedDataKey, h.SrcUser, h.SrcIP, h.Op, h.PublishType, h.GrayName,
			h.ExtInfo, h.CreatedMs, h.ModifiedMs,
		}
	case config.CapacityChange:
		q := c.After
		return Limits, &quotaRow{q.Namespace, q.Group, q.Quota, q.MaxSize, q.MaxAggrCount, q.MaxAggrSize, q.CreatedMs, q.ModifiedMs}
	case namespace.Change:
		n := c.After
		return Namespaces, &namespaceRow{n.ID, n.Name, n.Desc, n.CreatedMs, n.ModifiedMs}
	case UserRow:
		u := c.After
		return Users, &userRow{u.Name, u.Hash, u.Roles, u.CreatedMs, u.ModifiedMs}
	case naming.InstanceChange:
		return Instances, c.After
	case naming.ServiceChange:
		return Services, c.After
	case naming.ClusterChange:
		return Clusters, c.After
	case naming.OverrideChange:
		return Overrides, c.After
	case naming.SwitchChange:
		return Switches, c.After
	}
	return "", nil
}

// Decode returns the change with After alone that a row makes; an error says what is wrong with it.
func Decode(k Kind, text []byte) (journal.Change, error) {
	switch k {
	case Configs:
		return read(text, func(r *configRow) journal.Change {
			return config.EntryChange{After: &config.Entry{
				Key: r.key(), Content: r.Content, MD5: r.MD5, Type: r.Type, AppName: r.AppName, Tags: r.Tags, Desc: r.Desc, Use: r.Use, Effect: r.Effect,
				Schema: r.Schema, EncryptedDataKey: r.EncryptedDataKey, SrcUser: r.SrcUser, SrcIP: r.SrcIP, CreatedMs: r.CreatedMs, ModifiedMs: r.ModifiedMs,
				Revision: r.Revision,
			}}
		})
	case Grays:
		return read(text, func(r *grayRow) journal.Change {
			return config.GrayChange{After: &config.Gray{
				Key: r.key(), Name: r.Name, Rule: r.Rule, Content: r.Content, MD5: r.MD5, AppName: r.AppName, EncryptedDataKey: r.EncryptedDataKey,
				SrcUser: r.SrcUser, SrcIP: r.SrcIP, CreatedMs: r.CreatedMs, ModifiedMs: r.ModifiedMs, Revision: r.Revision,
			}}
		})
	case History:
		return read(text, func(r *historyRow) journal.Change {
			h := &config.History{
				Key: r.key(), Revision: r.Revision, Content: r.Content, MD5: r.MD5, AppName: r.AppName, EncryptedDataKey: r.EncryptedDataKey,
				SrcUser: r.SrcUser, SrcIP: r.SrcIP, Op: r.Op, PublishType: r.PublishType, GrayName: r.GrayName, ExtInfo: r.ExtInfo,
				CreatedMs: r.CreatedMs, ModifiedMs: r.ModifiedMs,
			}
			if r.Held {
				h.ConfigID = 1 // which one it is there, only who takes it over knows
			}
			return config.HistoryAdded{Row: h}
		})
	case Limits:
		return read(text, func(r *quotaRow) journal.Change {
			return config.CapacityChange{After: &config.Capacity{
				Namespace: r.Namespace, Group: r.Group, Quota: r.Quota, MaxSize: r.MaxSize, MaxAggrCount: r.MaxAggrCount, MaxAggrSize: r.MaxAggrSize,
				CreatedMs: r.CreatedMs, ModifiedMs: r.ModifiedMs,
			}}
		})
	case Namespaces:
		return read(text, func(r *namespaceRow) journal.Change { return namespace.Change{After: (*namespace.Namespace)(r)} })
	case Users:
		return read(text, func(r *userRow) journal.Change { return UserRow{After: (*auth.User)(r)} })
	case Instances:
		return read(text, func(r *naming.Persistent) journal.Change { return naming.InstanceChange{After: r} })
	case Services:
		return read(text, func(r *naming.Service) journal.Change { return naming.ServiceChange{After: r} })
	case Clusters:
		return read(text, func(r *naming.Cluster) journal.Change { return naming.ClusterChange{After: r} })
	case Overrides:
		return read(text, func(r *naming.Override) journal.Change { return naming.OverrideChange{After: r} })
	case Switches:
		return read(text, func(r *naming.Switch) journal.Change { return naming.SwitchChange{After: r} })
	}
	return nil, fmt.Errorf("rows of the kind %.40q are not known; a newer version of Nacre wrote them", k)
}

func read[T any](text []byte, change func(*T) journal.Change) (journal.Change, error) {
	v := new(T)
	if err := strict(text, v); err != nil {
		return nil, err
	}
	return change(v), nil
}

// strict decodes JSON and refuses what it does not know, as it would be lost.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("there is more than one value")
	}
	return nil
}

// marshal returns v as JSON in one line, its texts as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Digest is the sum, without carry, of a number for each row: it says nothing of their order. It is what two sides compare.
type Digest [2]uint64

// Add returns the digest of both.
func (d Digest) Add(o Digest) Digest { return Digest{d[0] + o[0], d[1] + o[1]} }

// String returns 32 hex digits.
func (d Digest) String() string { return fmt.Sprintf("%016x%016x", d[0], d[1]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 32 {
		return fmt.Errorf("a digest has 32 hex digits")
	}
	_, err := fmt.Sscanf(string(text), "%016x%016x", &d[0], &d[1])
	return err
}

// Units of times that are compared: MySQL keeps most in seconds, as Nacos has its tables.
const (
	Milliseconds = 1
	Seconds      = 1000
)

// DigestOf returns the digest of a row. Of contents it has the md5, of times what unit can tell apart. Numbers that each server
// gives are not in it, and neither is whether an instance was found well.
func DigestOf(c journal.Change, unit int64) Digest {
	k, row := rowOf(c)
	cut := func(times ...*int64) {
		for _, t := range times {
			*t -= *t % unit
		}
	}
	switch r := row.(type) {
	case *configRow:
		r.Content, r.Revision = nil, 0
		cut(&r.CreatedMs, &r.ModifiedMs)
	case *grayRow:
		r.Content, r.Revision = nil, 0
		cut(&r.CreatedMs, &r.ModifiedMs)
	case *historyRow:
		r.Content, r.Held = nil, false
		cut(&r.CreatedMs, &r.ModifiedMs)
	case *quotaRow:
		cut(&r.CreatedMs, &r.ModifiedMs)
	case *userRow:
		row = &userRow{Name: r.Name, Hash: r.Hash, Roles: sorted(r.Roles)}
	case *naming.Persistent:
		p := *r
		p.Instance.Healthy = false
		p.Instance.Metadata = empty(p.Instance.Metadata)
		row = &p
	case *naming.Service:
		s := *r
		s.Metadata = empty(s.Metadata)
		row = &s
	case *naming.Cluster:
		s := *r
		s.Metadata = empty(s.Metadata)
		row = &s
	case *naming.Override:
		o := *r
		o.Metadata = empty(o.Metadata)
		row = &o
	}
	text, err := json.Marshal(row)
	if err != nil {
		return Digest{} // no such row can be decoded
	}
	h := sha256.New()
	h.Write([]byte(k))
	h.Write(text)
	sum := h.Sum(nil)
	return Digest{binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])}
}

func empty(m naming.Metadata) naming.Metadata {
	if len(m) == 0 {
		return nil
	}
	return m
}

// SecondOf returns when a row of history was made, in seconds since 1970; 0 for others.
func SecondOf(c journal.Change) int64 {
	if h, ok := c.(config.HistoryAdded); ok {
		return h.Row.ModifiedMs / 1000
	}
	return 0
}
