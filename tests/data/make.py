"""Make the tables of this folder, each odd in another way, as people's files are: `python tests/data/make.py`.

The numbers are drawn here, with a target that the other columns tell. See README.md for what each file is.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
N = 120


def _write(name: str, text: str, encoding: str = "utf-8", newline: str = "\n") -> None:
    (HERE / name).write_bytes(text.replace("\n", newline).encode(encoding))


def _rows(*columns: list, sep: str = ",") -> str:
    return "".join(sep.join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def _german(rng: np.random.Generator) -> None:
    """Excel, Germany: semicolons, decimal commas, points between thousands, CRLF, a mark at the start."""
    size, price = rng.uniform(30, 160, N), np.zeros(N)
    year = rng.integers(1950, 2023, N)
    price = 900 * size * (1 + (year - 1950) / 200) * rng.uniform(0.95, 1.05, N)
    comma = lambda v, digits: f"{v:,.{digits}f}".translate(str.maketrans(",.", ".,"))
    text = "Wohnfläche (m²);Baujahr;Zustand;Kaufpreis (€)\n" + _rows(
        [comma(v, 1) for v in size],
        year.tolist(),
        rng.choice(["gut", "mäßig", "renoviert"], N).tolist(),
        [comma(v, 2) for v in price],
        sep=";",
    )
    _write("wohnungen_excel.csv", text, "utf-8-sig", "\r\n")


def _survey(rng: np.random.Generator) -> None:
    """A survey: yes and no, empty cells, n/a, answers with line breaks and quotation marks."""
    age = rng.integers(18, 80, N)
    sport = rng.random(N) < 0.5
    content = np.where(sport ^ (age > 60), "yes", "no")
    slept = 6 + 2 * sport + rng.normal(0, 1, N)
    hours = [f"{v:.1f}" if rng.random() > 0.15 else rng.choice(["", "n/a", "?"]) for v in slept]
    said = ["", '"fine, thanks"', '"it is\nall right"', '"so ""so"""']
    text = "age,does sport,hours of sleep,remarks,content?\n" + _rows(
        [str(v) if rng.random() > 0.1 else "" for v in age],
        np.where(sport, "Yes", "No").tolist(),
        hours,
        rng.choice(said, N).tolist(),
        content.tolist(),
    )
    _write("survey.csv", text)


def _bank(rng: np.random.Generator) -> None:
    """Customers of a bank: numbers of customers, dates, categories with rare ones, few who left."""
    balance = rng.lognormal(7, 1, N)
    country = rng.choice(["DE", "FR", "AT", "LI", "MC"], N, p=[0.5, 0.3, 0.16, 0.02, 0.02])
    since = pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 4000, N), "D")
    left = (balance < 800) & (country != "AT")
    text = "customer_id,country,customer_since,balance,cards,active,left\n" + _rows(
        rng.permutation(np.arange(10_000_000, 10_000_000 + N)).tolist(),
        country.tolist(),
        since.strftime("%Y-%m-%d").tolist(),
        [f"{v:.2f}" for v in balance],
        rng.integers(0, 4, N).tolist(),
        np.where(rng.random(N) < 0.6, "True", "False").tolist(),
        left.astype(int).tolist(),
    )
    _write("bank_customers.csv", text)


def _houses(rng: np.random.Generator) -> None:
    """House prices: units in names, missing cells as NA, a column that is nearly empty."""
    area, rooms = rng.uniform(60, 250, N), rng.integers(2, 9, N)
    price = 1500 * area + 10_000 * rooms + rng.normal(0, 8000, N)
    garage = rng.choice(["Attchd", "Detchd", "NA"], N, p=[0.5, 0.3, 0.2])
    text = "Id,LotArea [m^2],Rooms,Garage,PoolQC,Heating (kWh/a),SalePrice [$]\n" + _rows(
        list(range(1, N + 1)),
        [f"{v:.0f}" if rng.random() > 0.1 else "NA" for v in area],
        rooms.tolist(),
        garage.tolist(),
        ["Gd" if i in (7, 70) else "NA" for i in range(N)],
        [f"{v:.0f}" if rng.random() > 0.2 else "NA" for v in 80 * area],
        [f"{v:.0f}" for v in price],
    )
    _write("house_prices.csv", text)


def _utf16(rng: np.random.Generator) -> None:
    """Excel's "Unicode text": UTF-16, tabs."""
    x = rng.normal(0, 1, (N, 2))
    text = "größe\tgewicht\tstadt\tgruppe\n" + _rows(
        [f"{170 + 9 * v:.1f}" for v in x[:, 0]],
        [f"{70 + 11 * v:.1f}" for v in x[:, 1]],
        rng.choice(["Köln", "Zürich", "Łódź"], N).tolist(),
        np.where(x.sum(axis=1) > 0, "größer", "kleiner").tolist(),
        sep="\t",
    )
    _write("unicode_text.txt", text, "utf-16", "\r\n")


def _latin(rng: np.random.Generator) -> None:
    """Windows-1252 of an older Excel, with `sep=;` in the first line and empty rows below."""
    x = rng.uniform(0, 10, (N, 2))
    text = "sep=;\nLänge;Breite;Qualität\n" + _rows(
        [f"{v:.2f}".replace(".", ",") for v in x[:, 0]],
        [f"{v:.2f}".replace(".", ",") for v in x[:, 1]],
        np.where(x[:, 0] > x[:, 1], "für gut befunden", "Ausschuß").tolist(),
        sep=";",
    )
    _write("messung_latin1.csv", text + ";;\n;;\n", "cp1252", "\r\n")


def _comments(rng: np.random.Generator) -> None:
    """A .tsv with comments, of which the last names the columns, and one further down."""
    x = rng.normal(0, 1, (N, 3))
    lines = _rows(
        *[[f"{v:.4f}" for v in x[:, j]] for j in range(3)],
        np.where(x[:, 0] * x[:, 1] > 0, "up", "down").tolist(),
        sep="\t",
    ).splitlines()
    lines.insert(60, "# the second day")
    head = ["# expression of three genes", "# made by hand", "#BRCA1\tTP53\tMYC\tregulation"]
    _write("genes.tsv", "\n".join(head + lines) + "\n")


def _packed(rng: np.random.Generator) -> None:
    """A .csv.gz of a sensor, with hours and days in one column of timestamps, and -999 for what was not measured."""
    times = pd.date_range("2024-03-01 00:15", periods=N, freq="7h")
    load = 10 + 3 * np.sin(2 * np.pi * times.hour / 24) + rng.normal(0, 0.2, N)
    temperature = np.where(rng.random(N) < 0.05, -999, np.round(rng.normal(8, 4, N), 1))
    text = "timestamp,temperature,wind,load\n" + _rows(
        times.strftime("%Y-%m-%d %H:%M:%S").tolist(),
        temperature.tolist(),
        [f"{v:.1f}" for v in rng.uniform(0, 12, N)],
        [f"{v:.3f}" for v in load],
    )
    (HERE / "sensor.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def _parquet(rng: np.random.Generator) -> None:
    """Parquet: categories, truths, dates, whole numbers with gaps."""
    visits = pd.array(rng.integers(0, 9, N), dtype="Int64")
    visits[::11] = pd.NA
    plan = rng.choice(["free", "pro", "team"], N)
    paid = rng.random(N) < np.where(plan == "free", 0.1, 0.9)
    frame = pd.DataFrame({
        "plan": pd.Categorical(plan),
        "visits": visits,
        "joined": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 900, N), "D"),
        "newsletter": rng.random(N) < 0.5,
        "minutes": np.where(rng.random(N) < 0.1, np.nan, rng.gamma(2, 10, N)).round(2),
        "paid": paid,
    })  # fmt: skip
    frame.to_parquet(HERE / "visitors.parquet", index=False)


def _titled(rng: np.random.Generator) -> None:
    """A report: lines of title, two lines of header, thousands separators, a total below and a source."""
    staff, floor = rng.integers(3, 60, N), rng.uniform(80, 2500, N)
    sales = 2100 * floor + 9000 * staff + rng.normal(0, 20_000, N)
    text = "Sales by shop,,,\nall regions,,,\n,,,\nShop,Staff,Floor space,Sales\n,[persons],[m²],[EUR]\n"
    text += _rows(
        [f"Shop {i}" for i in range(1, N + 1)],
        staff.tolist(),
        [f'"{v:,.1f}"' for v in floor],
        [f'"{v:,.0f}"' for v in sales],
    )
    text += f'Total,{staff.sum()},"{floor.sum():,.1f}","{sales.sum():,.0f}"\n\nSource: the shops\n'
    _write("sales_report.csv", text)


def _indexed(rng: np.random.Generator) -> None:
    """`DataFrame.to_csv()` after a shuffle, twice: two columns that number the rows."""
    x = rng.normal(0, 1, (N, 3))
    frame = pd.DataFrame(x.round(4), columns=["x1", "x2", "x3"])
    frame["label"] = np.where(x[:, 0] + x[:, 1] > 0, "pos", "neg")
    frame = frame.sample(frac=1, random_state=0)
    frame.insert(0, "Unnamed: 0", np.arange(N))
    frame.to_csv(HERE / "to_csv_index.csv")


def _ids(rng: np.random.Generator) -> None:
    """Posts of a network: ids beyond 2**53, of which one is missing, and labels with leading zeros."""
    words, links = rng.integers(1, 60, N), rng.integers(0, 5, N)
    ids = (1_500_000_000_000_000_000 + rng.integers(0, 10**15, N)).astype(str)
    ids[5] = ""
    label = np.where(links * 10 > words, "007", np.where(words > 30, "010", "100"))
    text = "post_id,words,links,topic_code\n" + _rows(
        ids.tolist(), words.tolist(), links.tolist(), label.tolist()
    )
    _write("posts.csv", text)


def _countries(rng: np.random.Generator) -> None:
    """Countries by code, of which Namibia is NA; years as names; a target with a missing cell."""
    codes = ["DE", "FR", "NA", "ZA", "BR", "IN", "US", "JP"]
    country = [codes[i % 8] for i in range(N)]
    growth = rng.normal(2, 1, (N, 3)) + np.asarray([c in ("IN", "NA") for c in country])[:, None]
    region = ["Africa" if c in ("NA", "ZA") else "Asia" if c in ("IN", "JP") else "other" for c in country]  # fmt: skip
    region[9] = ""
    text = "country,2020,2021,2022,region\n" + _rows(
        country, *[[f"{v:.2f}" for v in growth[:, j]] for j in range(3)], region
    )
    _write("countries.csv", text)


def _two_targets(rng: np.random.Generator) -> None:
    """Heating and cooling load of buildings: two numbers to predict, in columns with a comma in the name."""
    x = rng.uniform(0, 1, (N, 3))
    text = 'compactness|glazing|height|"load, heating"|"load, cooling"\n' + _rows(
        *[[f"{v:.3f}" for v in x[:, j]] for j in range(3)],
        [f"{v:.3f}" for v in 20 * x[:, 0] + 5 * x[:, 1] + rng.normal(0, 0.3, N)],
        [f"{v:.3f}" for v in 25 - 9 * x[:, 0] + 6 * x[:, 2] + rng.normal(0, 0.3, N)],
        sep="|",
    )
    _write("building_loads.csv", text)


def _imbalanced(rng: np.random.Generator) -> None:
    """Transactions of which few are fraud; amounts with the sign of a currency left out."""
    n = 300
    amount, hour = rng.lognormal(3, 1, n), rng.integers(0, 24, n)
    fraud = np.zeros(n, int)
    fraud[rng.choice(n, 15, replace=False)] = 1
    amount = np.where(fraud, amount * 20, amount)
    text = "amount,hour,channel,fraud\n" + _rows(
        [f"{v:.2f}" for v in amount],
        hour.tolist(),
        rng.choice(["web", "shop", "phone"], n).tolist(),
        fraud.tolist(),
    )
    _write("transactions.csv", text)


def _spectra(rng: np.random.Generator) -> None:
    """Spectra: a wide table of numbers between spaces, without header, the class in the last column."""
    n, d = 60, 40
    y = rng.integers(0, 3, n)
    x = rng.normal(0, 0.3, (n, d)) + np.sin(np.arange(d)[None] * (0.2 + 0.1 * y[:, None]))
    lines = ["  ".join(f"{v:8.4f}" for v in row) + f"   {k}" for row, k in zip(x, y, strict=True)]
    _write("spectra.dat", "\n".join(lines) + "\n")


def _ambiguous(rng: np.random.Generator) -> None:
    """Numbers of which nobody can know whether 1.234 is more than a thousand: one option says so."""
    x = rng.integers(1000, 9999, (N, 2))
    point = lambda v: f"{v // 1000}.{v % 1000:03d}"
    text = "umsatz;kosten;gewinn\n" + _rows(
        *[[point(v) for v in x[:, j]] for j in range(2)],
        np.where(x[:, 0] > x[:, 1], "ja", "nein").tolist(),
        sep=";",
    )
    _write("umsatz_mehrdeutig.csv", text)


def _cut(rng: np.random.Generator) -> None:
    """A download that broke off in the middle of a row."""
    x = rng.normal(0, 1, (30, 3)).round(3)
    text = "a,b,c,k\n" + _rows(*x.T.tolist(), np.where(x[:, 0] > 0, "u", "v").tolist())
    _write("broken_off.csv", text[: text.rindex(",") - 3])


def main() -> None:
    """Make all of them; each from a generator of its own, so that one can be changed alone."""
    makers = (_german, _survey, _bank, _houses, _utf16, _latin, _comments, _packed, _parquet, _titled, _indexed, _ids,
              _countries, _two_targets, _imbalanced, _spectra, _ambiguous, _cut)  # fmt: skip
    for seed, make in enumerate(makers):
        make(np.random.default_rng(seed))


if __name__ == "__main__":
    main()
