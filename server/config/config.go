// Package config is the domain of configurations: what they are, how a wish to change one is
// decided, and what a client sees of them. Who listens for which is the business of package delivery.
//
// State holds all of them in memory and decides commands on it; Service is what edges call. Rows,
// raft and wire formats are the business of others.
package config

import (
	"encoding/json"
	"strings"

	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/resource"
)

// Key names a configuration.
type Key = resource.ConfigKey

// Entry is the formal content of a configuration with its attributes. It is immutable.
type Entry struct {
	Key Key
	// ID is the row id that Nacos' API shows; unique, never reused on this cluster.
	ID int64
	// Revision orders all changes of all configurations; it grows with each.
	Revision uint64
	Content  []byte
	// MD5 is the lower-case hex digest of Content's exact bytes.
	MD5              string
	Type             string
	AppName          string
	Tags             []string
	Desc             *string
	Use              *string
	Effect           *string
	Schema           *string
	EncryptedDataKey string
	SrcUser          string
	SrcIP            string
	CreatedMs        int64
	ModifiedMs       int64
}

// Gray is a variant of a configuration for those clients that its rule matches. It is immutable.
type Gray struct {
	Key              Key
	ID               int64
	Revision         uint64
	Name             string
	Rule             Rule
	Content          []byte
	MD5              string
	AppName          string
	EncryptedDataKey string
	SrcUser          string
	SrcIP            string
	CreatedMs        int64
	ModifiedMs       int64
}

// Item is all that is held of one key. It is immutable: a change makes a new one.
type Item struct {
	// Formal is nil when only variants were published.
	Formal *Entry
	// Grays are ordered by falling priority, then by name.
	Grays []*Gray
}

// Gray rule types, names and priorities as Nacos 2.5 and 3.x have them.
const (
	RuleBeta = "beta"
	RuleTag  = "tag"

	GrayBeta      = "beta"
	GrayTagPrefix = "tag_"

	PriorityBeta = 1<<31 - 1
	PriorityTag  = 1<<31 - 2

	RuleVersion = "1.0.0"
)

// Rule says which clients a variant is for. Its JSON form is what Nacos stores in gray_rule.
type Rule struct {
	Type     string `json:"type"`
	Version  string `json:"version"`
	Expr     string `json:"expr"`
	Priority int32  `json:"priority"`
}

// JSON returns the rule as Nacos stores and shows it.
func (r Rule) JSON() string {
	b, _ := json.Marshal(r)
	return string(b)
}

// ParseRule reads the JSON form of a rule.
func ParseRule(text string) (Rule, error) {
	var r Rule
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return Rule{}, fault.Wrap(fault.Invalid, err, "the gray rule is not a JSON object with type, version, expr and priority").WithCode(CodeGrayRuleFormat)
	}
	return r, nil
}

// BetaRule is for clients whose ip stands literally in the comma list ips.
func BetaRule(ips string) Rule {
	return Rule{Type: RuleBeta, Version: RuleVersion, Expr: ips, Priority: PriorityBeta}
}

// TagRule is for clients that send tag.
func TagRule(tag string) Rule {
	return Rule{Type: RuleTag, Version: RuleVersion, Expr: tag, Priority: PriorityTag}
}

// Client is what a rule can match of whoever reads or listens.
type Client struct {
	IP  string
	Tag string
}

// Matches reports whether the variant is for c.
func (r Rule) Matches(c Client) bool {
	switch r.Type {
	case RuleBeta:
		return c.IP != "" && inList(r.Expr, c.IP)
	case RuleTag:
		return c.Tag != "" && r.Expr == c.Tag
	}
	return false
}

func inList(list, item string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part == item {
			return true
		}
	}
	return false
}

// Match returns the variant that c is to see, nil for the formal content.
func (i *Item) Match(c Client) *Gray {
	for _, g := range i.Grays {
		if g.Rule.Matches(c) {
			return g
		}
	}
	return nil
}

// MD5For returns the digest of what c sees of the item, "" when that is nothing. A nil item has nothing.
func (i *Item) MD5For(c Client) string {
	if i == nil {
		return ""
	}
	if len(i.Grays) > 0 {
		if g := i.Match(c); g != nil {
			return g.MD5
		}
	}
	if i.Formal == nil {
		return ""
	}
	return i.Formal.MD5
}

// Gray returns the variant called name, nil when there is none.
func (i *Item) Gray(name string) *Gray {
	if i == nil {
		return nil
	}
	for _, g := range i.Grays {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// Codes of faults that Nacos' error table tells apart.
const (
	CodeCAS            fault.Code = "cas"            // 20005: the md5 given is not the stored one
	CodeGrayTooMany    fault.Code = "grayTooMany"    // 20010
	CodeGrayRuleFormat fault.Code = "grayRuleFormat" // 20011
	CodeGrayRule       fault.Code = "grayRule"       // 20012: unknown rule type or version
	CodeQuotaCluster   fault.Code = "quotaCluster"   // 5031
	CodeQuotaGroup     fault.Code = "quotaGroup"     // 5032
	CodeQuotaNamespace fault.Code = "quotaNamespace" // 5033
	CodeMaxSize        fault.Code = "maxSize"        // 5034
	CodeTooLarge       fault.Code = "tooLarge"       // content above the server's own limit
)

// History operations, as Nacos writes op_type.
const (
	OpInsert = "I"
	OpUpdate = "U"
	OpDelete = "D"
)

// Publish types, as Nacos writes publish_type.
const (
	PublishFormal = "formal"
	PublishGray   = "gray"
)

// History is one row of what happened to a configuration: of an insert the new content, of an
// update or delete the content that was replaced.
type History struct {
	// NID is the row's own number; it grows with each row.
	NID int64
	// ConfigID is the configuration's id, 0 for inserts, as Nacos has it.
	ConfigID         int64
	Key              Key
	Revision         uint64
	Content          []byte
	MD5              string
	AppName          string
	EncryptedDataKey string
	SrcUser          string
	SrcIP            string
	Op               string
	PublishType      string
	GrayName         string
	ExtInfo          string
	CreatedMs        int64
	ModifiedMs       int64
}

// Capacity is a quota row of a namespace or, in the default namespace, of a group. Zero means "the default".
type Capacity struct {
	ID           int64
	Namespace    string // "" when the row is a group's
	Group        string // "" with an empty Namespace: the whole cluster's
	Quota        int64
	MaxSize      int64
	MaxAggrCount int64
	MaxAggrSize  int64
	CreatedMs    int64
	ModifiedMs   int64
}

// Outcome is what was decided of a command. It implements journal.Outcome.
type Outcome struct {
	// Fault says why the command was refused; nothing changed then.
	Fault *fault.Error
	// Revision is that of the change, 0 when nothing changed.
	Revision uint64
	ID       int64
	MD5      string
	// Existed says whether the key, variant or row was there before.
	Existed bool
	// Skipped says that a publish left what was there, as it was told to.
	Skipped bool
	// Items are the outcomes of a command that has several parts, in their order.
	Items []Outcome
	// Capacity is the row after a capacity command.
	Capacity *Capacity
	// Adopted is what became of rows of another server, in their order.
	Adopted []journal.Adopted
}

// Err implements journal.Outcome.
func (o Outcome) Err() error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault
}
