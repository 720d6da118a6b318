package transfer

import (
	"context"
	"io"
	"strings"

	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/resource"
)

// One command of a bulk write holds at most this much.
const (
	chunkItems = 100
	chunkBytes = 1 << 20
)

// ImportRequest is an archive and where it goes.
type ImportRequest struct {
	// Namespace is canonical.
	Namespace string
	// File is the ZIP of Size bytes; nil means that none was sent.
	File io.ReaderAt
	Size int64
	// Policy says what happens to configurations that exist; Nacos' default is config.Abort, which is not the zero value.
	Policy config.IfPresent
	// MetadataV2 refuses archives without the second metadata form, as Nacos' v3 does.
	MetadataV2 bool
	// Choose says what is to happen with each configuration of the archive; nil imports all.
	Choose func(*Item) Choice
}

// Choice is what is to happen with a configuration of an archive; the zero value imports it.
type Choice struct {
	// Leave leaves it out: it stands in the report as skipped or, with a Fault, as failed.
	Leave bool
	Fault *fault.Error
	// IfRevision, when not 0, is the revision that what it replaces must have.
	IfRevision uint64
}

// Import publishes what an archive holds. Nothing is written unless the whole archive could be read;
// then each configuration is a publish of its own, in commands of up to 100, and what was written
// before a failure stays. Faults besides those of Open: CodeNamespaceAbsent, CodeNoValidData, and
// what PublishMany returns; the report then holds what was done until then.
func (s *Service) Import(ctx context.Context, by config.Actor, req ImportRequest) (Report, error) {
	if req.File == nil {
		return Report{}, emptyFault("no file was sent")
	}
	if err := s.checkNamespace(req.Namespace); err != nil {
		return Report{}, err
	}
	a, err := Open(req.File, req.Size, s.limits)
	if err != nil {
		return Report{}, err
	}
	if req.MetadataV2 && a.Version != 2 {
		return Report{}, metadataFault("the ZIP has no %s", metadataV2)
	}
	w := &writer{service: s, ctx: ctx, by: by, policy: req.Policy, report: Report{Unrecognized: a.Unrecognized}}
	items := a.Items[:0:0]
	for _, it := range a.Items {
		// The content is checked already; a blank stands in for it.
		if err := s.configs.Check(it.draft(req.Namespace, []byte("-"))); err != nil {
			w.report.Unrecognized = append(w.report.Unrecognized, Unrecognized{Item: shown(it.Name.String()), Reason: Illegal, Text: fault.TextOf(err)})
			continue
		}
		items = append(items, it)
	}
	if a.Items = items; len(items) == 0 {
		return Report{Unrecognized: w.report.Unrecognized}, nothingRead(w.report.Unrecognized)
	}
	for i := range a.Items {
		if w.aborted {
			w.skipRest(a.Items[i].Name)
			continue
		}
		var c Choice
		if req.Choose != nil {
			c = req.Choose(&a.Items[i])
		}
		if c.Leave {
			w.leave(a.Items[i].Name, c.Fault)
			continue
		}
		content, err := a.Content(i)
		if err != nil {
			return w.report, err
		}
		d := a.Items[i].draft(req.Namespace, content)
		d.IfRevision = c.IfRevision
		if err := w.add(d); err != nil {
			return w.report, err
		}
	}
	err = w.flush()
	return w.report, err
}

// nothingRead words an archive of which no entry could be used: empty where entries just are not
// group/dataId, as in Nacos; else the reason of the first that is illegal.
func nothingRead(left []Unrecognized) error {
	for _, u := range left {
		if u.Reason == Illegal {
			return fault.New(fault.Invalid, "no entry of the ZIP can be a configuration; %s: %s", u.Item, u.Text).WithCode(CodeNoValidData)
		}
	}
	return emptyFault("the ZIP has no entry of the form group/dataId that its metadata list")
}

func (s *Service) checkNamespace(id string) error {
	if id == resource.DefaultNamespace || s.exists(id) {
		return nil
	}
	return fault.New(fault.NotFound, "namespace %q does not exist", id).WithCode(CodeNamespaceAbsent)
}

// illegalName returns why a name can't be that of a configuration, "" when it can. The parts "." and
// ".." have only characters that are allowed; they are refused as they would lead out of the folder
// when the configuration is exported again and unpacked.
func illegalName(n Name) string {
	if dots(n.Group) || dots(n.DataID) {
		return "'.' and '..' are no names"
	}
	if err := resource.CheckKey(config.Key{Namespace: resource.DefaultNamespace, Group: n.Group, DataID: n.DataID}); err != nil {
		return strings.ToValidUTF8(err.Error(), "\uFFFD")
	}
	return ""
}

func dots(s string) bool { return s == "." || s == ".." }

func (it *Item) draft(namespace string, content []byte) config.Draft {
	return it.Attributes.Draft(namespace, content)
}

// Draft returns the draft that publishes content with a's attributes. Tags stay as they are when a has none.
func (a *Attributes) Draft(namespace string, content []byte) config.Draft {
	return config.Draft{
		Key:     config.Key{Namespace: namespace, Group: a.Group, DataID: a.DataID},
		Content: content, Type: a.Type, AppName: a.AppName, Desc: a.Desc,
		TagsGiven: a.Tags != nil, Tags: a.Tags, Note: config.Note{Kind: config.NoteImport},
	}
}

// writer publishes drafts in bounded commands and keeps the report.
type writer struct {
	service *Service
	ctx     context.Context
	by      config.Actor
	policy  config.IfPresent
	report  Report
	drafts  []config.Draft
	bytes   int
	aborted bool
}

func (w *writer) add(d config.Draft) error {
	if len(w.drafts) > 0 && w.bytes+len(d.Content) > chunkBytes {
		if err := w.flush(); err != nil {
			return err
		}
		if w.aborted {
			w.skipRest(nameOf(d))
			return nil
		}
	}
	w.drafts = append(w.drafts, d)
	w.bytes += len(d.Content)
	if len(w.drafts) >= chunkItems || w.bytes >= chunkBytes {
		return w.flush()
	}
	return nil
}

func (w *writer) leave(n Name, why *fault.Error) {
	if why != nil {
		w.report.Failed = append(w.report.Failed, Failure{Name: n, Fault: why})
		return
	}
	w.report.Skipped = append(w.report.Skipped, n)
}

func (w *writer) skipRest(n Name) { w.report.Skipped = append(w.report.Skipped, n) }

func nameOf(d config.Draft) Name { return Name{d.Key.Group, d.Key.DataID} }

func (w *writer) flush() error {
	if len(w.drafts) == 0 {
		return nil
	}
	outcomes, err := w.service.configs.PublishMany(w.ctx, w.by, w.drafts, w.policy)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		n := nameOf(w.drafts[i])
		switch {
		case o.Fault != nil:
			w.report.Failed = append(w.report.Failed, Failure{Name: n, Fault: o.Fault})
		case o.Skipped && o.Existed && w.policy == config.Abort:
			w.aborted = true
			w.report.Failed = append(w.report.Failed, Failure{Name: n})
		case o.Skipped:
			w.report.Skipped = append(w.report.Skipped, n)
		default:
			w.report.Succeeded++
		}
	}
	clear(w.drafts)
	w.drafts, w.bytes = w.drafts[:0], 0
	return nil
}
