package store

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"nacre/server/config"
	"nacre/server/namespace"
	"nacre/server/resource"
)

// table numbers the tables that the image counts and sums.
type table int

const (
	tableConfig table = iota
	tableGray
	tableTags
	tableHistory
	tableNamespace
	tableTenantCapacity
	tableGroupCapacity
	tableUsers
	tableSessions
	tableDrafts
	tableRegistry
	tableCount
)

var tableNames = [tableCount]string{
	"config_info", "config_info_gray", "config_tags_relation", "his_config_info", "tenant_info", tenantCapacity, groupCapacity,
	"users", "nacre_session", "nacre_draft", "nacre_registry",
}

// total is how many rows a table has and the wrapping sum of their checksums: it changes with each
// row by itself, and two tables with other rows have another one.
type total struct {
	rows int64
	sum  uint64
}

func (t *total) add(sum uint64)    { t.rows++; t.sum += sum }
func (t *total) remove(sum uint64) { t.rows--; t.sum -= sum }

// summer computes checksums of rows: XXH64 over all columns, each with its length, so that no two
// rows look alike. Not safe for concurrent use.
type summer struct {
	head []byte
	hash xxhash.Digest
}

func (s *summer) int(n int64) { s.head = binary.LittleEndian.AppendUint64(s.head, uint64(n)) }

func (s *summer) str(v string) {
	s.head = binary.AppendUvarint(s.head, uint64(len(v)))
	s.head = append(s.head, v...)
}

func (s *summer) opt(v *string) {
	if v == nil {
		s.head = append(s.head, 0)
		return
	}
	s.head = append(s.head, 1)
	s.str(*v)
}

func (s *summer) key(k resource.ConfigKey) {
	s.str(k.DataID)
	s.str(k.Group)
	s.str(k.Namespace)
}

func (s *summer) begin() { s.head = s.head[:0] }

func (s *summer) end(content []byte) uint64 {
	s.hash.Reset()
	_, _ = s.hash.Write(s.head)
	_, _ = s.hash.Write(content)
	return s.hash.Sum64()
}

func (s *summer) entry(e *config.Entry) uint64 {
	s.begin()
	s.int(e.ID)
	s.key(e.Key)
	s.str(e.MD5)
	s.int(e.CreatedMs)
	s.int(e.ModifiedMs)
	s.str(e.SrcUser)
	s.str(e.SrcIP)
	s.str(e.AppName)
	s.opt(e.Desc)
	s.opt(e.Use)
	s.opt(e.Effect)
	s.str(e.Type)
	s.opt(e.Schema)
	s.str(e.EncryptedDataKey)
	s.int(int64(e.Revision))
	return s.end(e.Content)
}

func (s *summer) gray(g *config.Gray, rule string) uint64 {
	s.begin()
	s.int(g.ID)
	s.key(g.Key)
	s.str(g.Name)
	s.str(rule)
	s.str(g.MD5)
	s.int(g.CreatedMs)
	s.int(g.ModifiedMs)
	s.str(g.SrcUser)
	s.str(g.SrcIP)
	s.str(g.AppName)
	s.str(g.EncryptedDataKey)
	s.int(int64(g.Revision))
	return s.end(g.Content)
}

func (s *summer) history(h *config.History) uint64 {
	s.begin()
	s.int(h.NID)
	s.int(h.ConfigID)
	s.key(h.Key)
	s.str(h.MD5)
	s.int(h.CreatedMs)
	s.int(h.ModifiedMs)
	s.str(h.SrcUser)
	s.str(h.SrcIP)
	s.str(h.Op)
	s.str(h.AppName)
	s.str(h.EncryptedDataKey)
	s.str(h.PublishType)
	s.str(h.GrayName)
	s.str(h.ExtInfo)
	s.int(int64(h.Revision))
	return s.end(h.Content)
}

func (s *summer) tag(id int64, tag string, k resource.ConfigKey, nid int64) uint64 {
	s.begin()
	s.int(id)
	s.str(tag)
	s.key(k)
	s.int(nid)
	return s.end(nil)
}

func (s *summer) namespace(n *namespace.Namespace) uint64 {
	s.begin()
	s.str(n.ID)
	s.str(n.Name)
	s.str(n.Desc)
	s.int(n.CreatedMs)
	s.int(n.ModifiedMs)
	return s.end(nil)
}

func (s *summer) capacity(c *config.Capacity) uint64 {
	s.begin()
	s.int(c.ID)
	s.str(c.Namespace)
	s.str(c.Group)
	s.int(c.Quota)
	s.int(c.MaxSize)
	s.int(c.MaxAggrCount)
	s.int(c.MaxAggrSize)
	s.int(c.CreatedMs)
	s.int(c.ModifiedMs)
	return s.end(nil)
}

func (s *summer) meta(name string, value int64) uint64 {
	s.begin()
	s.str(name)
	s.int(value)
	return s.end(nil)
}

// keyHash is what history is indexed by. It may be equal for two keys; queries compare the key, too.
func (s *summer) keyHash(k resource.ConfigKey) int64 {
	s.begin()
	s.key(k)
	return int64(s.end(nil))
}

// maxTags is how many tags of one configuration have a place in the numbering of tag rows.
const maxTags = 1 << 16

// tagNID numbers the tag at position i of configuration id.
func tagNID(id int64, i int) int64 { return id*maxTags + int64(i) }
