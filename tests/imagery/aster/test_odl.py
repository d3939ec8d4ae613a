"""Metadata text: every form that EOS files use, and any text without a crash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.errors import ImageryError
from gossan.imagery.aster.metadata import read_metadata
from gossan.imagery.aster.odl import parse_odl

NAME = "AST_L1T_00307152004075231_20150502071234_12345.hdf"


def thing(name: str, value: str, group: str = "") -> str:
    middle = f'  CLASS = "{group}"\n' if group else ""
    return f"OBJECT = {name}\n{middle}  NUM_VAL = 1\n  VALUE = {value}\nEND_OBJECT = {name}\n"


def test_names_with_a_point_and_names_with_a_class_are_the_same() -> None:
    for text in (thing("GAIN.3N", '("3N", "LO1")'), thing("GAIN", '("3N", "LO1")', "3N")):
        assert parse_odl(text)["GAIN3N"] == ("3N", "LO1")
    assert parse_odl(thing("INCL14", "0.005225", "14"))["INCL14"] == ("0.005225",)


def test_values_over_several_lines_and_several_documents_are_read() -> None:
    text = thing("UPPERLEFTM", "(4400000.5,\n     500000.25)") + "END\n"
    text += "GROUP = X\n" + thing("SHORTNAME", '"AST_L1T"') + "END_GROUP = X\nEND\n\0\0"
    found = parse_odl(text)
    assert found["UPPERLEFTM"] == ("4400000.5", "500000.25")
    assert found["SHORTNAME"] == ("AST_L1T",)


def test_additional_attributes_become_names() -> None:
    text = (
        'OBJECT = ADDITIONALATTRIBUTESCONTAINER\nCLASS = "2"\n'
        + thing("ADDITIONALATTRIBUTENAME", '"SOLAR_AZIMUTH_ANGLE"', "2")
        + thing("PARAMETERVALUE", '"141.5"', "2")
        + "END_OBJECT = ADDITIONALATTRIBUTESCONTAINER\n"
    )
    assert parse_odl(text)["SOLARAZIMUTHANGLE"] == ("141.5",)


@given(st.text(max_size=300) | st.text(alphabet='GROUPBJECTVALND_= ()",\n1', max_size=300))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    assert isinstance(parse_odl(text), dict)


@given(st.text(alphabet='GAINCL0123456789()=, "\n.HRNO', max_size=200))
def test_damaged_metadata_end_in_one_clear_line_at_most(text: str) -> None:
    try:
        found = read_metadata(parse_odl(text), NAME)
    except ImageryError as error:
        assert "\n" not in str(error)
    else:
        assert found.time == datetime(2004, 7, 15, 7, 52, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "clock"),
    [("20040716", "081500"), ("2004-07-16", "08:15:00.120000"), ("20040716", "081500123456Z")],
)
def test_every_way_to_write_the_time_is_read(date: str, clock: str) -> None:
    text = thing("CALENDARDATE", f'"{date}"') + thing("TIMEOFDAY", f'"{clock}"')
    assert read_metadata(parse_odl(text), NAME).time == datetime(2004, 7, 16, 8, 15, tzinfo=UTC)


def test_without_any_time_the_scene_is_refused() -> None:
    with pytest.raises(ImageryError, match="the time of the scene must be in the metadata"):
        read_metadata({}, "scene.hdf")


def test_the_conversion_in_the_file_wins_over_the_table_and_off_is_no_gain() -> None:
    text = thing("GAIN.1", '("01", "HGH")') + thing("INCL1", "0.7") + thing("OFFSET1", "-0.65")
    text += thing("GAIN.2", '("02", "LOW")') + thing("GAIN.4", '("04", "OFF")')
    found = read_metadata(parse_odl(text), NAME)
    assert found.conversion("b1") == (0.7, -0.65)
    assert found.conversion("b2") == (1.89, -1.89)
    assert found.conversion("b10") == (0.006882, -0.006882)
    with pytest.raises(ImageryError, match="the gain of band 4 must be named"):
        found.conversion("b4")
