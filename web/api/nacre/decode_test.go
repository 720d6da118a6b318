package nacre

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"nacre/server/fault"
)

type everything struct {
	Text     string   `query:"text" doc:"x"`
	Required string   `query:"required" required:"true" doc:"x"`
	Word     string   `query:"word" enum:"a,b" default:"a" doc:"x"`
	Number   int      `query:"number" default:"7" min:"1" max:"10" doc:"x"`
	Big      int64    `query:"big" doc:"x"`
	Unsigned uint64   `query:"unsigned" doc:"x"`
	Flag     bool     `query:"flag" doc:"x"`
	Words    []string `query:"words" max:"3" doc:"x"`
	Numbers  []int64  `query:"numbers" max:"3" doc:"x"`
	Header   string   `header:"X-Head" doc:"x"`
}

// decoded reads a query with the header X-Head.
func decoded(query, header string) (everything, error) {
	app := fiber.New()
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/?" + query)
	if header != "" {
		ctx.Request.Header.Set("X-Head", header)
	}
	c := app.AcquireCtx(ctx)
	defer app.ReleaseCtx(c)
	var in everything
	err := decode(c, &in)
	return in, err
}

func TestParametersAreReadOrRefusedByName(t *testing.T) {
	in, err := decoded("text=a+b%C3%A9&required=x&word=b&number=3&big=-5&unsigned=8&flag=true&words=a,b&words=c&numbers=1,,2", "head")
	if err != nil || in.Text != "a bé" || in.Word != "b" || in.Number != 3 || in.Big != -5 || in.Unsigned != 8 || !in.Flag ||
		strings.Join(in.Words, " ") != "a b c" || len(in.Numbers) != 2 || in.Header != "head" {
		t.Errorf("got %+v, %v", in, err)
	}
	if in, err = decoded("required=x&number=&flag=", ""); err != nil || in.Number != 7 || in.Word != "a" || in.Flag {
		t.Errorf("defaults: got %+v, %v", in, err)
	}
	for query, want := range map[string]string{
		"":                           `parameter "required" is required: x`,
		"required=x&nmber=1":         `there is no parameter "nmber"; this operation has text, required, word, number, big, unsigned, flag, words, numbers`,
		"required=x&number=x":        `parameter "number" is "x", it must be a whole number`,
		"required=x&number=11":       `parameter "number" is 11, it must be from 1 to 10`,
		"required=x&number=0":        `parameter "number" is 0, it must be from 1 to 10`,
		"required=x&unsigned=-1":     `parameter "unsigned" is "-1", it must be a whole number that is not negative`,
		"required=x&flag=maybe":      `parameter "flag" is "maybe", it must be true or false`,
		"required=x&word=c":          `parameter "word" is "c", it must be one of a, b`,
		"required=x&required=y":      `parameter "required" is given 2 times`,
		"required=%ff":               `parameter "required" is not UTF-8`,
		"required=x&words=a,b,c,d":   `parameter "words" lists 4 values, at most 3 are allowed`,
		"required=x&numbers=1,two,3": `parameter "numbers" has the value "two", each must be a whole number`,
	} {
		if _, err := decoded(query, ""); fault.KindOf(err) != fault.Invalid || fault.TextOf(err) != want {
			t.Errorf("%q: got %v", query, err)
		}
	}
}

func TestBodiesAreReadOrRefusedInWords(t *testing.T) {
	for body, want := range map[string]string{
		"":                                      "the request has no body, a JSON object is needed",
		" \n":                                   "the request has no body, a JSON object is needed",
		"{":                                     "the body is not JSON: it ends too early",
		`{"configs":`:                           "the body is not JSON: it ends too early",
		"{]":                                    "the body is not JSON: at byte 2 invalid character ']' looking for beginning of object key string",
		`{"configs":[]} x`:                      "the body has something after its JSON object, at byte 15",
		`{"configs":[]}{}`:                      "the body has something after its JSON object, at byte 15",
		`[]`:                                    "the body is a JSON array, it must be an object",
		`{"configs":7}`:                         `the field "configs" of the body is a JSON number, it must be of type array`,
		`{"configs":[{"dataId":7}]}`:            `the field "configs.dataId" of the body is a JSON number, it must be of type string`,
		`{"configs":[{"dataid":"a","x":1}]}`:    `the body does not fit: unknown field "x"`,
		"{\"configs\":[{\"dataId\":\"\xff\"}]}": "the body is not UTF-8",
	} {
		var in importBody
		if err := decodeBody([]byte(body), &in); fault.KindOf(err) != fault.Invalid || fault.TextOf(err) != want {
			t.Errorf("%q: got %q", body, fault.TextOf(err))
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{"required=x&number=3", "a=%", "words=a,,b&numbers=1,2", "required=%ff&flag=1", "&&=&=x", "big=9223372036854775808"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		in, err := decoded(strings.ReplaceAll(query, "#", ""), "")
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || !utf8.ValidString(fault.TextOf(err)) {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if in.Required == "" || in.Number < 1 || in.Number > 10 || len(in.Words) > 3 || in.Word != "a" && in.Word != "b" || !utf8.ValidString(in.Text+in.Required) {
			t.Fatalf("%q became %+v", query, in)
		}
	})
}

func FuzzImportBody(f *testing.F) {
	for _, b := range []string{`{"configs":[{"group":"g","dataId":"d","content":"x","tags":["a"]}]}`, `{"configs":null}`, `[]`, `{"configs":[{}]}`, `{"configs":[{"ifMd5":"x","desc":null}]}`} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var plan planBody
		var in importBody
		for _, to := range []any{&plan, &in, &publishBody{}, &createNamespaceBody{}} {
			if err := decodeBody(body, to); err != nil && fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v", body, err)
			}
		}
		for _, it := range in.Configs {
			if !utf8.ValidString(it.Content + it.DataID) {
				t.Fatalf("%q: read %+v", body, it)
			}
		}
	})
}
