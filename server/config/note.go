package config

import (
	"encoding/json"
	"unicode"
	"unicode/utf8"

	"nacre/server/config/configpb"
	"nacre/server/fault"
)

// Note says why a change was made. History keeps it in the row of the change.
type Note struct {
	// Comment is what the person who made the change said of it, plain text of at most MaxComment characters.
	Comment string
	// Kind is one of the Kind constants below, "" for a plain publish or removal.
	Kind string
	// From is the revision that the content was taken from, 0 for none.
	From uint64
}

// The kinds of notes.
const (
	NoteRestore = "restore"
	NoteImport  = "import"
	NoteClone   = "clone"
	NotePromote = "promote"
	NoteUndo    = "undo"
)

// MaxComment is how long a comment may be, in characters.
const MaxComment = 512

func (n Note) check() error {
	switch n.Kind {
	case "", NoteRestore, NoteImport, NoteClone, NotePromote, NoteUndo:
	default:
		return fault.New(fault.Invalid, "the kind %.40q of a note is not known", n.Kind).WithCode(CodeNote)
	}
	if !utf8.ValidString(n.Comment) {
		return fault.New(fault.Invalid, "the comment is not UTF-8").WithCode(CodeNote)
	}
	if c := utf8.RuneCountInString(n.Comment); c > MaxComment {
		return fault.New(fault.Invalid, "the comment has %d characters, at most %d are allowed", c, MaxComment).WithCode(CodeNote)
	}
	for _, r := range n.Comment {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return fault.New(fault.Invalid, "the comment has the control character %U, plain text is allowed", r).WithCode(CodeNote)
		}
	}
	return nil
}

// pb returns nil for an empty note, so that a command without one is as it always was.
func (n Note) pb() *configpb.Note {
	if n == (Note{}) {
		return nil
	}
	return &configpb.Note{Comment: n.Comment, Kind: n.Kind, From: n.From}
}

func noteOf(p *configpb.Note) Note {
	return Note{Comment: p.GetComment(), Kind: p.GetKind(), From: p.GetFrom()}
}

// noteJSON is a note within a history row's ext_info, where Nacos passes over what it does not know.
type noteJSON struct {
	Comment string `json:"comment,omitempty"`
	Kind    string `json:"kind,omitempty"`
	From    uint64 `json:"from,omitempty"`
}

// entryInfo are the attributes of a formal content as Nacos keeps them in ext_info; blank ones are left out.
type entryInfo struct {
	Type    string `json:"type,omitempty"`
	Tags    string `json:"config_tags,omitempty"`
	Effect  string `json:"effect,omitempty"`
	SrcUser string `json:"src_user,omitempty"`
	Desc    string `json:"c_desc,omitempty"`
	Use     string `json:"c_use,omitempty"`
	Schema  string `json:"c_schema,omitempty"`
	noteJSON
}

// grayInfo is the same of a variant.
type grayInfo struct {
	Name    string `json:"gray_name,omitempty"`
	SrcUser string `json:"src_user,omitempty"`
	Rule    string `json:"gray_rule,omitempty"`
	noteJSON
}

func (e *Entry) extInfo(n Note) string {
	b, _ := json.Marshal(entryInfo{e.Type, JoinTags(e.Tags), text(e.Effect), e.SrcUser, text(e.Desc), text(e.Use), text(e.Schema), noteJSON(n)})
	return string(b)
}

func (g *Gray) extInfo(n Note) string {
	b, _ := json.Marshal(grayInfo{g.Name, g.SrcUser, g.Rule.JSON(), noteJSON(n)})
	return string(b)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Note returns why the row's change was made; the zero Note when its ext_info has none.
func (h *History) Note() Note {
	var n noteJSON
	if json.Unmarshal([]byte(h.ExtInfo), &n) != nil {
		return Note{}
	}
	return Note(n)
}
