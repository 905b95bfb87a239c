using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PatchKit.Data.Images;

namespace PatchKit.Data.Coco;

/// <summary>How COCO's files are read and written, and what is said of damaged ones.</summary>
internal static class CocoJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        AllowTrailingCommas = false,
        Converters = { new CocoBoxConverter(), new CocoSegmentationConverter(), new CocoWhole(), new CocoSmallWhole() },
    };

    /// <summary>Reads a file whose outermost value is of the type.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What messages call the file.</param>
    /// <param name="wanted">What the outermost value should be, as in "an object with images".</param>
    /// <exception cref="ImageException">The text is cut short, is no JSON, or is not what is wanted.</exception>
    internal static T Read<T>(Stream json, string name, string wanted)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options)
                ?? throw new ImageException(name, $"holds null, but {wanted} is expected; name another file.");
        }
        catch (JsonException e)
        {
            bool cut = json.CanSeek && json.Position == json.Length && EndsEarly(json);
            throw new ImageException(
                name,
                cut
                    ? $"ends before its JSON does, in {Place(e)}; it was cut short, so fetch it again."
                    : $"is not what was expected, {wanted}: at {Place(e)}, {Reason(e)}",
                e
            );
        }
    }

    /// <summary>Writes a value without spaces.</summary>
    internal static void Write<T>(Stream to, T value) => JsonSerializer.Serialize(to, value, Options);

    // Whether the text ends within a value: brackets are left open.
    private static bool EndsEarly(Stream json)
    {
        json.Position = 0;
        var bytes = new byte[json.Length];
        json.ReadExactly(bytes);
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        try
        {
            while (reader.Read()) { }
            return reader.CurrentDepth > 0 || reader.BytesConsumed < bytes.Length || bytes.Length == 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Place(JsonException e) =>
        $"{(string.IsNullOrEmpty(e.Path) ? "$" : e.Path)} (line {e.LineNumber + 1}, byte {e.BytePositionInLine})";

    private static string Reason(JsonException e)
    {
        string reason = (e.InnerException is not JsonException and { } inner ? inner.Message : e.Message)
            .Split(" Path: ")[0]
            .Split(" LineNumber: ")[0]
            .TrimEnd('.');
        return $"{reason}.";
    }

    // The place in a message is the file's, not the part's: an exception without a path gets the path of the whole.
    private static T? Part<T>(ref Utf8JsonReader reader, JsonSerializerOptions options, string wrong)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(ref reader, options);
        }
        catch (JsonException e)
        {
            throw new JsonException(wrong, e);
        }
    }

    /// <summary>Boxes as lists of four numbers.</summary>
    private sealed class CocoBoxConverter : JsonConverter<CocoBox>
    {
        public override CocoBox Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            double[] numbers = Part<double[]>(ref reader, options, "a box is no list of four numbers") ?? [];
            return numbers.Length == 4
                ? new CocoBox(numbers[0], numbers[1], numbers[2], numbers[3])
                : throw new JsonException($"a box has {numbers.Length} numbers, but left, top, width and height are 4");
        }

        public override void Write(Utf8JsonWriter writer, CocoBox box, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (double number in new[] { box.X, box.Y, box.Width, box.Height })
                writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }
    }

    /// <summary>Polygons as lists of numbers, runs as {"size": [height, width], "counts": [...] or "..."}.</summary>
    private sealed class CocoSegmentationConverter : JsonConverter<CocoSegmentation>
    {
        // An empty list, or a list of empty ones, is how programs write that there is no mask.
        public override CocoSegmentation? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                var polygons = Part<double[][]>(
                    ref reader,
                    options,
                    "a mask is no list of polygons, which are lists of numbers: [[x, y, x, y, x, y]]"
                )!;
                return Array.TrueForAll(polygons, polygon => polygon is { Length: 0 })
                    ? null
                    : new CocoSegmentation(polygons);
            }
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException(
                    "a segmentation is neither a list of polygons nor an object with size and counts"
                );
            (int[]? size, uint[]? counts, string? text) = (null, null, null);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                if (name == "size")
                    size = Part<int[]>(ref reader, options, "a mask's size is no list of height and width");
                else if (name != "counts")
                    reader.Skip();
                else if (reader.TokenType == JsonTokenType.String)
                    text = reader.GetString();
                else
                    counts = Part<uint[]>(
                        ref reader,
                        options,
                        "a mask's counts are neither text nor a list of whole numbers"
                    );
            }
            return size is { Length: 2 } && (counts ?? (object?)text) is not null
                ? new CocoSegmentation(size[0], size[1], counts, text)
                : throw new JsonException("a mask of runs lacks its size, [height, width], or its counts");
        }

        public override void Write(Utf8JsonWriter writer, CocoSegmentation mask, JsonSerializerOptions options)
        {
            if (mask.Polygons is { } polygons)
            {
                JsonSerializer.Serialize(writer, polygons, options);
                return;
            }
            var runs = mask.ToRle(0, 0);
            writer.WriteStartObject();
            writer.WritePropertyName("size");
            JsonSerializer.Serialize(writer, new[] { runs.Height, runs.Width }, options);
            writer.WriteString("counts", runs.ToString());
            writer.WriteEndObject();
        }
    }
}

/// <summary>Boxes that may be absent: null, or an empty list, which pycocotools reads so in result files.</summary>
internal sealed class CocoOptionalBox : JsonConverter<CocoBox?>
{
    public override CocoBox? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        var after = reader;
        if (reader.TokenType == JsonTokenType.StartArray && after.Read() && after.TokenType == JsonTokenType.EndArray)
        {
            reader = after;
            return null;
        }
        return JsonSerializer.Deserialize<CocoBox>(ref reader, options);
    }

    public override void Write(Utf8JsonWriter writer, CocoBox? box, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, box!.Value, options);
}

/// <summary>0 and 1, or false and true.</summary>
internal sealed class CocoFlag : JsonConverter<bool>
{
    public override bool Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.Number => reader.GetDouble() != 0,
            var other => throw new JsonException($"iscrowd is {other}, but 0 or 1 is expected"),
        };

    public override void Write(Utf8JsonWriter writer, bool flag, JsonSerializerOptions options) =>
        writer.WriteNumberValue(flag ? 1 : 0);
}

/// <summary>Whole numbers as people's files have them: 1, 1.0 and "1".</summary>
internal sealed class CocoWhole : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => Read(ref reader);

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);

    /// <exception cref="JsonException">It is no whole number.</exception>
    internal static long Read(ref Utf8JsonReader reader)
    {
        const double exact = 1L << 53;
        double number = double.NaN;
        string text = $"{reader.TokenType}";
        if (reader.TokenType == JsonTokenType.Number)
        {
            if (reader.TryGetInt64(out long number64))
                return number64;
            number = reader.GetDouble();
            text = number.ToString(CultureInfo.InvariantCulture);
        }
        else if (reader.TokenType == JsonTokenType.String)
        {
            text = $"\"{reader.GetString()}\"";
            if (
                long.TryParse(
                    text.AsSpan(1..^1),
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out long named
                )
            )
                return named;
            if (!double.TryParse(text.AsSpan(1..^1), NumberStyles.Float, CultureInfo.InvariantCulture, out number))
                number = double.NaN;
        }
        return number == Math.Round(number) && Math.Abs(number) <= exact
            ? (long)number
            : throw new JsonException($"{text} stands where a whole number is expected");
    }
}

/// <summary>The same for sizes.</summary>
internal sealed class CocoSmallWhole : JsonConverter<int>
{
    public override int Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        CocoWhole.Read(ref reader) is >= int.MinValue and <= int.MaxValue and var whole
            ? (int)whole
            : throw new JsonException($"a number has more than {int.MaxValue} for its size");

    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);
}
