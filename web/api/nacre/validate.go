package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/config/format"
	"nacre/server/fault"
)

// validateBody is a content to check.
type validateBody struct {
	Content string `json:"content"`
	Type    string `json:"type" optional:"true" enum:"text,yaml,properties,json,toml,xml,html,unset" doc:"without it the type that is detected counts"`
	DataID  string `json:"dataId" optional:"true" doc:"helps to detect the type"`
}

type validateIn struct {
	Body validateBody `body:"true"`
}

// validateAnswer tells what is wrong in a content.
type validateAnswer struct {
	Type     string        `json:"type" doc:"what the content was checked as"`
	Detected string        `json:"detected" doc:"what the content looks like, by its name and its text"`
	Valid    bool          `json:"valid" doc:"false when there is an error; warnings do not count"`
	Problems []problemBody `json:"problems" doc:"at most 100, in the order of the lines"`
}

type problemBody struct {
	Line      int    `json:"line" doc:"from 1"`
	Column    int    `json:"column" doc:"from 1, in UTF-16 code units"`
	EndColumn int    `json:"endColumn" doc:"what is wrong ends before it"`
	Severity  string `json:"severity" enum:"error,warning"`
	Code      string `json:"code"`
	Text      string `json:"text" doc:"what is wrong, and what would be right"`
}

func (*api) validate(_ *fiber.Ctx, in *validateIn) (*validateAnswer, error) {
	content := []byte(in.Body.Content)
	detected := format.Detect(in.Body.DataID, content)
	t := detected
	switch given := format.Type(in.Body.Type); {
	case given == "":
	case given == "unset":
		t = format.Text
	case !given.Valid():
		return nil, fault.New(fault.Invalid, `the type %q does not exist, it must be one of text, yaml, properties, json, toml, xml, html and unset`, in.Body.Type)
	default:
		t = given
	}
	out := &validateAnswer{Type: string(t), Detected: string(detected), Valid: true, Problems: []problemBody{}}
	for _, p := range format.Check(t, content) {
		out.Valid = out.Valid && p.Severity != format.Error
		out.Problems = append(out.Problems, problemBody{p.Line, p.Column, p.EndColumn, p.Severity, p.Code, p.Text})
	}
	return out, nil
}
