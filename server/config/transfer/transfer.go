// Package transfer moves configurations in and out in bulk: Nacos' ZIP in both of its metadata
// forms, clones into another namespace, and the rule that names the files of a folder.
//
// Archives come from strangers: they are measured and checked as a whole before the first
// configuration is written, and never held unpacked. What can't become a configuration is reported
// by name and reason, never dropped silently. How a result is worded is up to the edge.
package transfer

import (
	"context"
	"fmt"
	"strings"

	"nacre/server/config"
	"nacre/server/fault"
)

// Configs is what transfers need of the configurations; *config.Service is one.
type Configs interface {
	Item(config.Key) *config.Item
	Check(config.Draft) error
	MaxContent() int
	PublishMany(context.Context, config.Actor, []config.Draft, config.IfPresent) ([]config.Outcome, error)
	List(context.Context, config.Filter) (config.Page[*config.Entry], error)
}

var _ Configs = (*config.Service)(nil)

// The codes of faults that Nacos' answers of imports and clones tell apart.
const (
	CodeNamespaceAbsent fault.Code = "transferNamespaceAbsent" // 100001, v3 22001: the target namespace does not exist
	CodeMetadata        fault.Code = "transferMetadata"        // 100002: the metadata entry breaks its format
	CodeNoValidData     fault.Code = "transferNoValidData"     // 100003: entries were read, none can be a configuration
	CodeBroken          fault.Code = "transferBroken"          // 100004: the ZIP is damaged
	CodeEmpty           fault.Code = "transferEmpty"           // 100005: nothing to import: no file, no ZIP, or no entry of the form group/dataId
	CodeNothingSelected fault.Code = "transferNothingSelected" // 100006: a clone without ids
	CodeTooMuch         fault.Code = "transferTooMuch"         // more entries or bytes than the limits allow
)

// Limits bound what an archive may cost. Zero values mean the defaults.
type Limits struct {
	// MaxEntries is how many entries an archive may have. Default 100,000.
	MaxEntries int
	// MaxUnpacked is how many bytes an archive may have unpacked. Default 512 MiB.
	MaxUnpacked int64
	// MaxContent is the size of one configuration in bytes. Default 10 MiB.
	MaxContent int
}

func (l Limits) withDefaults() Limits {
	if l.MaxEntries <= 0 {
		l.MaxEntries = 100_000
	}
	if l.MaxUnpacked <= 0 {
		l.MaxUnpacked = 512 << 20
	}
	if l.MaxContent <= 0 {
		l.MaxContent = 10 << 20
	}
	return l
}

// Service imports, clones and exports. It is safe for concurrent use.
type Service struct {
	configs Configs
	exists  func(namespace string) bool
	limits  Limits
}

// New returns a service that works on configs. exists tells whether a namespace can be the target of
// an import or clone. The limit of one content is always that of configs.
func New(configs Configs, exists func(namespace string) bool, limits Limits) *Service {
	limits.MaxContent = configs.MaxContent()
	return &Service{configs: configs, exists: exists, limits: limits.withDefaults()}
}

// Limits returns the limits that hold, defaults filled in.
func (s *Service) Limits() Limits { return s.limits }

// ParsePolicy returns the policy that Nacos calls word: ABORT, SKIP or OVERWRITE; "" is ABORT. Another
// word is a fault of kind Invalid.
func ParsePolicy(word string) (config.IfPresent, error) {
	switch word {
	case "", "ABORT":
		return config.Abort, nil
	case "SKIP":
		return config.Skip, nil
	case "OVERWRITE":
		return config.Overwrite, nil
	}
	return config.Abort, fault.New(fault.Invalid, "policy %q is not known; ABORT, SKIP and OVERWRITE are", word)
}

// Name is a configuration within the namespace of the transfer.
type Name struct {
	Group  string
	DataID string
}

// String returns group/dataId.
func (n Name) String() string { return n.Group + "/" + n.DataID }

// Failure is a configuration that was not written.
type Failure struct {
	Name
	// Fault says why; nil means that it exists and the policy was ABORT.
	Fault *fault.Error
}

// Reason says why something in an archive is no configuration to import.
type Reason uint8

// The reasons.
const (
	// NotTwoParts is an entry whose path is not group/dataId.
	NotTwoParts Reason = iota
	// NotInMetadata is an entry that the metadata do not list.
	NotInMetadata
	// NotInFile is an item of the metadata without an entry.
	NotInFile
	// Duplicate is an entry that a later one of the same name replaces.
	Duplicate
	// Illegal is an entry that no configuration can be made of; Text says why.
	Illegal
)

// Unrecognized is a part of an archive that was not imported.
type Unrecognized struct {
	// Item is the entry's path as far as it can be shown, or group/dataId of a metadata item.
	Item   string
	Reason Reason
	// Text is the sentence that explains an Illegal entry, "" for other reasons.
	Text string
}

// Report is what became of an import or clone.
type Report struct {
	// Succeeded counts what was written.
	Succeeded int
	// Skipped exist already, were not chosen or, after an ABORT, come after the one that exists.
	Skipped []Name
	// Failed were refused. With ABORT this holds the one that exists.
	Failed       []Failure
	Unrecognized []Unrecognized
}

// TypeOf returns the type that Nacos derives from a dataId's extension; "text" when it knows none.
func TypeOf(dataID string) string {
	i := strings.LastIndexByte(dataID, '.')
	if i < 0 {
		return config.TypeText
	}
	switch ext := strings.ToLower(dataID[i+1:]); ext {
	case "yml", "yaml":
		return "yaml"
	case "htm", "html":
		return "html"
	case "json", "xml", "properties":
		return ext
	}
	return config.TypeText
}

// shown returns at most 300 bytes of a name that a stranger chose, fit for JSON and logs.
func shown(name string) string {
	const most = 300
	if len(name) > most {
		name = name[:most] + "…"
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

func emptyFault(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode(CodeEmpty)
}

func tooMuch(format string, args ...any) error {
	return fault.New(fault.Limited, format, args...).WithCode(CodeTooMuch)
}

func metadataFault(format string, args ...any) error {
	return fault.New(fault.Invalid, "the metadata are illegal: %s", fmt.Sprintf(format, args...)).WithCode(CodeMetadata)
}
