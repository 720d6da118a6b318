package wire

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"nacre/server/naming"
	"nacre/server/resource"
)

// What follows reads the forms of naming's v2 and v3, which are the same. Refusals are those of a form's checks.

// Field returns a field of a form, byDefault when it is blank or not there. The string is good until the handler returns.
func (p *Params) Field(name, byDefault string) string {
	v, _ := p.View(name)
	if Blank(v) {
		return byDefault
	}
	return v
}

// MissingField is the refusal of a form without a field of that type.
func MissingField(name, kind string) *Refusal {
	return Missing("Required parameter '" + name + "' type " + kind + " is not present")
}

// MissingArgument is the refusal of a request without a parameter that is not part of a form.
func MissingArgument(name, kind string) *Refusal {
	return Missing("Required request parameter '" + name + "' for method parameter type " + kind + " is not present")
}

func invalid(text string) *Refusal { return Refuse(fiber.StatusBadRequest, ParameterInvalid, text) }

// NumberField returns a field that is a number.
func (p *Params) NumberField(name string, byDefault int) (int, error) {
	text := p.Field(name, "")
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, invalid("Parameter '" + name + "' is not a number: \"" + text + "\"")
	}
	return int(n), nil
}

// TruthField returns a field that is yes or no.
func (p *Params) TruthField(name string, byDefault bool) (bool, error) {
	word := p.Field(name, "")
	if word == "" {
		return byDefault, nil
	}
	yes, known := Truth(word)
	if !known {
		return false, invalid("Parameter '" + name + "' is neither true nor false: \"" + word + "\"")
	}
	return yes, nil
}

// WeightField returns the weight of an instance.
func (p *Params) WeightField(byDefault string) (float64, error) {
	text := p.Field("weight", byDefault)
	w, bad := Weight(text)
	switch bad {
	case "":
		return w, nil
	case WeightRange:
		return 0, Refuse(fiber.StatusBadRequest, WeightError, bad)
	}
	return 0, invalid("Parameter 'weight' is not a number: \"" + text + "\"")
}

// ServiceField returns the service that a form names. Its strings are good until the handler returns.
func (p *Params) ServiceField() (naming.Key, error) {
	name := p.Field("serviceName", "")
	if name == "" {
		return naming.Key{}, MissingField("serviceName", "String")
	}
	return p.KeyOf(name)
}

// ServiceArgument is ServiceField where the parameters are taken by name.
func (p *Params) ServiceArgument() (naming.Key, error) {
	name, ok := p.View("serviceName")
	if !ok {
		return naming.Key{}, MissingArgument("serviceName", "String")
	}
	return p.KeyOf(name)
}

// KeyOf returns the service of that name in the namespace and, unless the name has it, in the group of a request.
func (p *Params) KeyOf(name string) (naming.Key, error) {
	k, bad := GroupedKey(p.Field("namespaceId", ""), p.Field("groupName", ""), name)
	if bad != "" {
		return k, invalid(bad)
	}
	return k, nil
}

// IDField returns the instance that a form names.
func (p *Params) IDField() (id naming.InstanceID, err error) {
	if id.IP = p.Field("ip", ""); id.IP == "" {
		return id, MissingField("ip", "String")
	}
	if p.Field("port", "") == "" {
		return id, MissingField("port", "Integer")
	}
	id.Cluster = p.Field("clusterName", resource.DefaultCluster)
	id.Port, err = p.NumberField("port", 0)
	return id, err
}

// InstanceForm reads what a form says of an instance.
func (d *Deps) InstanceForm(p *Params, f *InstanceForm, ephemeral bool) (err error) {
	if f.Key, err = p.ServiceField(); err != nil {
		return err
	}
	id, err := p.IDField()
	if err != nil {
		return err
	}
	i := &f.Instance
	i.IP, i.Port, i.Cluster = id.IP, id.Port, id.Cluster
	for _, one := range [...]struct {
		name      string
		to        *bool
		byDefault bool
	}{{"healthy", &i.Healthy, true}, {"enabled", &i.Enabled, true}, {"ephemeral", &f.Ephemeral, ephemeral}} {
		if *one.to, err = p.TruthField(one.name, one.byDefault); err != nil {
			return err
		}
	}
	if i.Weight, err = p.WeightField("1"); err != nil {
		return err
	}
	i.Metadata, err = d.Metadata(p.Field("metadata", ""))
	return err
}

// PatchForm reads what a request changes of an instance; what it does not have stays.
func (d *Deps) PatchForm(p *Params) (patch naming.Patch, err error) {
	if text := p.Field("metadata", ""); text != "" {
		patch.ReplaceMetadata = true
		if patch.Metadata, err = d.Metadata(text); err != nil {
			return patch, err
		}
	}
	if p.Field("weight", "") != "" {
		w, err := p.WeightField("")
		if err != nil {
			return patch, err
		}
		patch.Weight = &w
	}
	if p.Field("enabled", "") != "" {
		enabled, err := p.TruthField("enabled", true)
		if err != nil {
			return patch, err
		}
		patch.Enabled = &enabled
	}
	return patch, nil
}

// ServiceForm reads what a form says of a service.
func (d *Deps) ServiceForm(p *Params) (s naming.Service, err error) {
	if s.Key, err = p.ServiceField(); err != nil {
		return s, err
	}
	threshold := p.Field("protectThreshold", "0")
	if s.ProtectThreshold, err = strconv.ParseFloat(threshold, 32); err != nil {
		return s, invalid("Parameter 'protectThreshold' is not a number: \"" + threshold + "\"")
	}
	if s.Ephemeral, err = p.TruthField("ephemeral", false); err != nil {
		return s, err
	}
	if s.Metadata, err = d.Metadata(p.Field("metadata", "")); err != nil {
		return s, err
	}
	s.Selector, err = SelectorOf(p.Field("selector", ""))
	return s, err
}

// UpdateHealth does what a form says of an instance's health.
func (d *Deps) UpdateHealth(c *fiber.Ctx, p *Params) error {
	if p.Field("healthy", "") == "" {
		return MissingField("healthy", "Boolean")
	}
	healthy, err := p.TruthField("healthy", true)
	if err != nil {
		return err
	}
	k, err := p.ServiceField()
	if err != nil {
		return err
	}
	id, err := p.IDField()
	if err != nil {
		return err
	}
	return d.SetHealth(c, p, k, id, healthy)
}

// UpdateSwitch does what a form says of a switch.
func (d *Deps) UpdateSwitch(c *fiber.Ctx, p *Params) error {
	for _, name := range []string{"entry", "value"} {
		if p.Field(name, "") == "" {
			return MissingField(name, "String")
		}
	}
	here, err := p.TruthField("debug", false)
	if err != nil {
		return err
	}
	return d.SetSwitch(c, p, here)
}

// UpdateMetadata changes the metadata of many instances as a form says.
func (d *Deps) UpdateMetadata(c *fiber.Ctx, p *Params, drop bool) (Updated, error) {
	k, err := p.ServiceField()
	if err != nil {
		return Updated{}, err
	}
	text := p.Field("metadata", "")
	if text == "" {
		return Updated{}, MissingField("metadata", "String")
	}
	m, err := d.Metadata(text)
	if err != nil {
		return Updated{}, err
	}
	done, err := d.ChangeMetadata(c, p, k, p.Field("instances", ""), m, drop)
	return Updated{Updated: done}, err
}

// Chosen reads the service of a request, and the address that it chooses, "" and -1 for any. It may return a refusal.
func (p *Params) Chosen(k naming.Key, err error) (naming.Key, Choice, error) {
	if err != nil {
		return k, Choice{}, err
	}
	port, err := p.NumberField("port", -1)
	return k, Choice{p.Field("ip", ""), port}, err
}

// Choice chooses addresses.
type Choice struct {
	ip   string
	port int
}

// Fits reports whether an address is chosen.
func (c Choice) Fits(ip string, port int) bool {
	return (c.ip == "" || c.ip == ip) && (c.port < 0 || c.port == port)
}
